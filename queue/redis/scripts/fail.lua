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
count('failures')
return done({0, charge(job, 'failed', code, cause, retry_delay(job, retry_ms), max_attempts)})
