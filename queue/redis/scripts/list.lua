-- Some jobs of a listing and where to go on; bounded, so that a long listing keeps nobody waiting.
local tenant, states, kinds, circuit, worker = text(), number(), number(), text(), text()
local after, down, most = text(), text() == '1', number()
local LOOKED = 500
-- Each state's jobs by number; of several states the nearest of all.
local seqs, several = {}, false
for state = QUEUED, DEAD do
  if states == 0 or bit.band(states, bit.lshift(1, state)) ~= 0 then
    local some
    if down then
      some = call('ZREVRANGEBYSCORE', P .. 'state:' .. state, after == '0' and '+inf' or '(' .. after, '-inf', 'LIMIT', 0, LOOKED)
    else
      some = call('ZRANGEBYSCORE', P .. 'state:' .. state, '(' .. after, '+inf', 'LIMIT', 0, LOOKED)
    end
    several = #seqs > 0 and #some > 0 or several
    for _, seq in ipairs(some) do seqs[#seqs + 1] = seq end
  end
end
if several then
  local order = {}
  for i, seq in ipairs(seqs) do order[i] = tonumber(seq) end
  table.sort(order, function(a, b) return a < b ~= down and a ~= b end)
  seqs = {}
  for i = 1, math.min(#order, LOOKED) do seqs[i] = whole(order[i]) end
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
