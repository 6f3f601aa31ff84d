local tenant, id, epoch = text(), text(), text()
local job = find_job(tenant, id)
if not job then return no_job(tenant, id) end
local state = tonumber(job.state)
-- After a heartbeat has said that the job is cancelled or out of time, giving it back is no fault.
if job.epoch == epoch and (state == CANCELLED or state == FAILED) then return {0} end
local stale = fence(job, epoch, 'release')
if stale then return stale end
close_lease(job, now, false)
if job.cancel == '1' then
  cancel_now(job)
  return done({0})
end
count('released')
event('released', job, job.worker, '')
move(job, QUEUED)
return done({0})
