local tenant, id, epoch = text(), text(), text()
local job = find_job(tenant, id)
if not job then return no_job(tenant, id) end
local state = tonumber(job.state)
-- After a heartbeat has said that the job is cancelled or out of time, giving it back is no fault.
if job.epoch == epoch and (state == CANCELLED or state == FAILED) then return {0} end
local stale = fence(job, epoch, 'release')
if stale then return stale end
give_back(job, '')
return done({0})
