local tenant_quota, total_quota, jobs = number(), number(), number()
local meta = call('HMGET', P .. 'meta', 's0', 's1')
local open_total = tonumber(meta[1]) + tonumber(meta[2])

local function submit(job)
  local known = find_job(job.tenant, job.id)
  if known then
    if known.payload == job.payload then
      count('resubmitted')
      return {0, 0, tonumber(known.state)}
    end
    count('conflicts')
    return {E_EXISTS}
  end
  if call('EXISTS', P .. 'artifact:' .. job.input) == 0 then return {E_NOT_FOUND} end
  wake(job.tenant)
  local t = call('HMGET', P .. 'tenant:' .. job.tenant, 's0', 's1', 'quota', 'average')
  local open, running, quota = tonumber(t[1]) + tonumber(t[2]), tonumber(t[2]), tonumber(t[3])
  if quota == 0 then quota = tenant_quota end
  if open >= quota or open_total >= total_quota then
    -- When the next of its jobs is likely to end; 1 s to 10 min.
    local wait = math.floor(tonumber(t[4]) / math.max(1, running))
    count('refused')
    if open_total >= total_quota then open, quota = open_total, total_quota end
    return {E_BUSY, 0, 0, math.min(600000, math.max(1000, wait)), open, quota}
  end
  job.seq = whole(call('HINCRBY', P .. 'meta', 'sequence', 1))
  set(job, 'seq', job.seq, 'tenant', job.tenant, 'id', job.id, 'payload', job.payload, 'header', job.header,
    'kind', job.kind, 'circuit', job.circuit, 'lane', job.lane, 'input', job.input, 'priority', job.priority,
    'due', job.due, 'state', 0, 'cancel', 0, 'epoch', 0, 'attempts', 0, 'losses', 0, 'worker', '', 'done', 0,
    'total', 0, 'phase', '', 'submitted', now, 'leased', 0, 'expires', 0, 'ended', 0, 'used', 0, 'result', '',
    'cause', '', 'beat', 0, 'advance', 0, 'charged', 0, 'forgiven', 0)
  call('HSET', P .. 'ids:' .. job.tenant, job.id, job.seq)
  call('ZADD', P .. 'all', job.seq, job.seq)
  refer(job.input)
  enter(job, QUEUED)
  count('submitted')
  event('submitted', job, '', '')
  open_total = open_total + 1
  return {0, 1, QUEUED}
end

local reply = {0}
for i = 1, jobs do
  reply[i + 1] = submit({tenant = text(), id = text(), payload = text(), header = text(), kind = text(),
    circuit = text(), lane = text(), input = text(), priority = text(), due = text()})
end
return done(reply)
