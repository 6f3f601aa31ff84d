-- Many jobs, one change. First every job is decided, in their order and by what is read alone; then everything is written, so
-- that nothing is where a decision fails (a record that is damaged). What several jobs change is written once.
local E_NOT_FOUND, E_EXISTS, E_BUSY, SUBMITTED = 302, 303, 304, '1'
local ARGV, FIELDS, total_quota, jobs = ARGV, 11, tonumber(ARGV[7]), tonumber(ARGV[8]) -- 6: a tenant's quota, 9: when to ask again
local meta = call('HMGET', KEYS[1], 'format', 's0', 's1', 'draining', 'sequence', 'event', 'submitted')
if meta[1] ~= '2' then return no_store() end
local open_total, sequence, last = meta[2] + meta[3], tonumber(meta[5]), tonumber(meta[6])
local reply, taken, tenants, lanes, inputs = {0, nil}, {}, {}, {}, {} -- a table is made as large as it is written
local resubmitted, conflicts, refused = 0, 0, 0

local function decide(at)
  local tenant, id, input = ARGV[at], ARGV[at + 1], ARGV[at + 7]
  local t = tenants[tenant]
  if not t then
    t = {ids = P .. 'ids:' .. tenant, new = {}, named = {nil, nil}, queued = 0, running = 0, quota = 0, average = 0, open = false}
    tenants[tenant] = t
  end
  local payload, state = t.new[id], QUEUED
  if not payload then
    local seq = call('HGET', t.ids, id)
    if seq then
      local known = call('HMGET', P .. 'job:' .. seq, 'seq', 'payload', 'state')
      if known[1] then payload, state = known[2], tonumber(known[3]) end
    end
  end
  if payload == ARGV[at + 2] then
    resubmitted = resubmitted + 1
    return {0, 0, state}
  end
  if payload ~= nil then
    conflicts = conflicts + 1
    return {E_EXISTS}
  end
  local artifact = inputs[input]
  if not artifact then
    artifact = {more = 0, refs = call('HGET', P .. 'artifact:' .. input, 'refs')}
    inputs[input] = artifact
  end
  if not artifact.refs then return {E_NOT_FOUND} end
  if meta[4] and meta[4] ~= '' and ARGV[at + 10] ~= '1' then
    refused = refused + 1
    return {E_BUSY, 0, 0, ARGV[9], 0, 0, meta[4]}
  end
  if not t.open then
    local r = call('HMGET', P .. 'tenant:' .. tenant, 's0', 's1', 'quota', 'average')
    t.queued, t.running, t.quota, t.average = tonumber(r[1] or 0), tonumber(r[2] or 0), tonumber(r[3] or 0), r[4] or 1000
    t.open = t.queued + t.running
    if t.quota == 0 then t.quota = tonumber(ARGV[6]) end
  end
  if t.open >= t.quota or open_total >= total_quota then
    -- When the next of its jobs is likely to end; 1 s to 10 min.
    local wait, open, quota = math.floor(t.average / math.max(1, t.running)), t.open, t.quota
    refused = refused + 1
    if open_total >= total_quota then open, quota = open_total, total_quota end
    return {E_BUSY, 0, 0, math.min(600000, math.max(1000, wait)), open, quota}
  end
  sequence, open_total, t.open, artifact.more = sequence + 1, open_total + 1, t.open + 1, artifact.more + 1
  t.new[id] = ARGV[at + 2]
  local seq, n = whole(sequence), #t.named
  t.named[n + 1], t.named[n + 2] = id, seq
  taken[#taken + 1] = {at, seq}
  return {0, 1, QUEUED}
end

for i = 1, jobs do reply[i + 1] = decide(10 + (i - 1) * FIELDS) end

-- In strides: Lua's stack takes some thousands of values.
local function write(command, key, list)
  for i = 1, #list, 1000 do call(command, key, unpack(list, i, math.min(i + 999, #list))) end
end

if resubmitted > 0 then call('HINCRBY', KEYS[1], 'resubmitted', resubmitted) end
if conflicts > 0 then call('HINCRBY', KEYS[1], 'conflicts', conflicts) end
if refused > 0 then call('HINCRBY', KEYS[1], 'refused', refused) end
if #taken == 0 then return keep(reply) end
for tenant, t in pairs(tenants) do -- by itself it harms nobody, should the tenant's record be damaged
  if #t.named > 0 and t.queued + t.running == 0 then wake(tenant) end
end
-- Numbers and counters first: were the script to end below (a right that the user lacks), no number of a job or an event is used twice.
call('HSET', KEYS[1], 'sequence', whole(sequence), 's0', whole(meta[2] + #taken), 'event', whole(last + #taken), 'submitted',
  whole((meta[7] or 0) + #taken))
local at, states, events = whole(now), {nil, nil}, {nil}
for i, job in ipairs(taken) do
  local a, seq = job[1], job[2]
  local tenant, id, lane, due = ARGV[a], ARGV[a + 1], ARGV[a + 6], ARGV[a + 9]
  call('HSET', P .. 'job:' .. seq, 'seq', seq, 'tenant', tenant, 'id', id, 'payload', ARGV[a + 2], 'header', ARGV[a + 3],
    'kind', ARGV[a + 4], 'circuit', ARGV[a + 5], 'lane', lane, 'input', ARGV[a + 7], 'priority', ARGV[a + 8],
    'due', due, 'state', '0', 'submitted', at)
  if due ~= '0' then call('ZADD', P .. 'due', due, seq) end
  states[2 * i - 1], states[2 * i] = seq, seq
  local whose = tenant .. ':' .. lane
  local l = lanes[whose]
  if not l then
    l = {tenant = tenant, lane = lane, nil, nil}
    lanes[whose] = l
  end
  local n = #l
  l[n + 1], l[n + 2] = '0', place(ARGV[a + 8], due, seq)
  events[i] = {'at', at, 'kind', SUBMITTED, 'tenant', tenant, 'id', id}
end
write('ZADD', P .. 'state:0', states)
for whose, l in pairs(lanes) do
  write('ZADD', P .. 'lane:' .. whose, l)
  call('SADD', P .. 'lanes:' .. l.tenant, l.lane)
end
for digest, artifact in pairs(inputs) do
  if artifact.more > 0 then
    call('HINCRBY', P .. 'artifact:' .. digest, 'refs', whole(artifact.more))
    if artifact.refs == '0' then call('ZREM', P .. 'loose', digest) end
  end
end
for tenant, t in pairs(tenants) do
  if #t.named > 0 then
    write('HSET', t.ids, t.named)
    call('HINCRBY', P .. 'tenant:' .. tenant, 's0', whole(#t.named / 2))
    if t.queued == 0 then rank(tenant) end
  end
end
append(last, events)
return keep(reply)
