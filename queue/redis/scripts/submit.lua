local tenant_quota, total_quota, jobs, DRAIN_RETRY_MS = number(), number(), number(), number()
local meta = call('HMGET', P .. 'meta', 's0', 's1', 'draining')
local draining, open_total = meta[3] or '', tonumber(meta[1]) + tonumber(meta[2])
-- Numbers for all of them, taken before anything is written under one; what is not used is given back.
local last = call('HINCRBY', P .. 'meta', 'sequence', jobs)
local sequence = last - jobs

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
  if draining ~= '' and job.drains ~= '1' then
    count('refused')
    return {E_BUSY, 0, 0, DRAIN_RETRY_MS, 0, 0, draining}
  end
  local queued, running, quota, average = wake(job.tenant)
  local open = queued + running
  if quota == 0 then quota = tenant_quota end
  if open >= quota or open_total >= total_quota then
    -- When the next of its jobs is likely to end; 1 s to 10 min.
    local wait = math.floor(average / math.max(1, running))
    count('refused')
    if open_total >= total_quota then open, quota = open_total, total_quota end
    return {E_BUSY, 0, 0, math.min(600000, math.max(1000, wait)), open, quota}
  end
  sequence = sequence + 1
  job.seq = whole(sequence)
  set(job, 'seq', job.seq, 'tenant', job.tenant, 'id', job.id, 'payload', job.payload, 'header', job.header,
    'kind', job.kind, 'circuit', job.circuit, 'lane', job.lane, 'input', job.input, 'priority', job.priority,
    'due', job.due, 'state', QUEUED, 'submitted', now)
  call('HSET', P .. 'ids:' .. job.tenant, job.id, job.seq)
  refer(job.input)
  enter(job, QUEUED)
  count('submitted')
  event('submitted', job, '', '')
  open_total = open_total + 1
  return {0, 1, QUEUED}
end

local reply = {0}
for i = 1, jobs do
  reply[i + 1] = submit(setmetatable({tenant = text(), id = text(), payload = text(), header = text(), kind = text(),
    circuit = text(), lane = text(), input = text(), priority = text(), due = text(), drains = text()}, UNSET))
end
if sequence < last then call('HINCRBY', P .. 'meta', 'sequence', whole(sequence - last)) end
return done(reply)
