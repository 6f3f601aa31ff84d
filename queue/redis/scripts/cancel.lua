local tenant, id, cause = text(), text(), text()
local job = find_job(tenant, id)
if not job then return no_job(tenant, id) end
local state = tonumber(job.state)
if state == QUEUED then
  move(job, CANCELLED, 'cancel', 1, 'ended', now, 'cause', cause)
  event('cancelled', job, '', cause)
  return done({0, CANCELLED})
end
if state == LEASED then
  if job.cancel == '0' then
    set(job, 'cancel', 1, 'cause', cause)
    event('cancel', job, job.worker, cause)
  end
  return done({0, LEASED})
end
if state == CANCELLED then return {0, CANCELLED} end
return {E_STATE, 'the job is ' .. STATES[state] .. ' and cannot be cancelled', state}
