local tenant, id, epoch = text(), text(), text()
local progress, total, phase, lease_ms, stall_ms = text(), text(), text(), number(), number()
local GO_ON, STOP_CANCELLED, STOP_DEADLINE, STALLED = 0, 1, 2, 3
local job = find_job(tenant, id)
if not job then return no_job(tenant, id) end
local state = tonumber(job.state)
if job.epoch == epoch and state == CANCELLED then return {0, STOP_CANCELLED, job.expires} end
if job.epoch == epoch and state == FAILED then return {0, STOP_DEADLINE, job.expires} end
if job.epoch ~= epoch or state ~= LEASED then
  return {E_STALE, 'the lease of epoch ' .. epoch .. ' is over: the job is ' .. STATES[state] .. ' at epoch ' .. job.epoch}
end
if job.due ~= '0' and tonumber(job.due) <= now then
  miss_deadline(job)
  return done({0, STOP_DEADLINE, job.expires})
end

-- Progress may be larger than what a number of Lua holds exactly: compared as text.
local advanced = #progress > #job.done or (#progress == #job.done and progress > job.done)
local action, expires = GO_ON, now + lease_ms
if job.cancel == '1' then
  action, expires = STOP_CANCELLED, tonumber(job.expires)
elseif not advanced and now > tonumber(job.advance) + stall_ms then
  action, expires = STALLED, tonumber(job.expires)
end
set(job, 'beat', now, 'advance', advanced and now or job.advance, 'expires', expires,
  'done', advanced and progress or job.done, 'total', total, 'phase', phase)
call('ZADD', P .. 'expiry', whole(expires), job.seq)
local seen = call('HGET', P .. 'seen', job.worker)
if seen and tonumber(seen) + 1000 <= now then call('HSET', P .. 'seen', job.worker, whole(now)) end
return done({0, action, job.expires})
