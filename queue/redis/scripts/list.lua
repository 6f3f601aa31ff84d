-- Some jobs of a listing and where to go on; bounded, so that a long listing keeps nobody waiting.
local tenant, states, kinds, circuit, worker = text(), number(), number(), text(), text()
local after, down, most = text(), text() == '1', number()
local LOOKED = 500
local index = P .. 'all'
for state = QUEUED, DEAD do
  if states == 2 ^ state then index = P .. 'state:' .. state end
end
local seqs
if down then
  seqs = call('ZREVRANGEBYSCORE', index, after == '0' and '+inf' or '(' .. after, '-inf', 'LIMIT', 0, LOOKED)
else
  seqs = call('ZRANGEBYSCORE', index, '(' .. after, '+inf', 'LIMIT', 0, LOOKED)
end
local reply = {0, 0, 1}
for i, seq in ipairs(seqs) do
  local j = call('HMGET', P .. 'job:' .. seq, 'tenant', 'state', 'kind', 'circuit', 'worker')
  if (tenant == '' or tenant == j[1]) and (states == 0 or bit.band(states, bit.lshift(1, tonumber(j[2]))) ~= 0) and
    (kinds == 0 or bit.band(kinds, bit.lshift(1, tonumber(j[3]))) ~= 0) and (circuit == '' or circuit == j[4]) and
    (worker == '' or worker == j[5]) then
    reply[#reply + 1] = call('HGETALL', P .. 'job:' .. seq)
  end
  reply[2] = seq
  if #reply - 3 == most then
    if i == #seqs and #seqs < LOOKED then reply[3] = 0 end
    return reply
  end
end
if #seqs < LOOKED then reply[3] = 0 end
return reply
