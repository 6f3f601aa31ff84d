local tenant, id, epoch, code, cause = text(), text(), text(), text(), text()
local retry_ms, max_attempts = number(), number()
local job = find_job(tenant, id)
if not job then return no_job(tenant, id) end
local stale = fence(job, epoch, cause)
if stale then return stale end
close_lease(job, now, false)
if job.cancel == '1' then
  cancel_now(job)
  return done({0, CANCELLED})
end
local attempts = tonumber(job.attempts) + 1
set(job, 'attempts', attempts)
count('failures')
call('HSET', P .. 'held:' .. job.seq, job.worker, whole(now + retry_ms * 2 ^ math.min(attempts - 1, 10)))
local last = last_try(job, '0', code, cause, attempts, max_attempts)
event('failed', job, job.worker, cause)
if last then
  bury(job, cause)
  return done({0, DEAD})
end
move(job, QUEUED, 'cause', cause)
return done({0, QUEUED})
