local tenant, id, due = text(), text(), text()
local job = find_job(tenant, id)
if not job then return no_job(tenant, id) end
local state = tonumber(job.state)
if state <= DONE then
  return {E_STATE, 'the job is ' .. STATES[state] .. '; only dead, failed and cancelled jobs are put back'}
end
wake(tenant)
call('DEL', P .. 'held:' .. job.seq, P .. 'refused:' .. job.seq)
move(job, QUEUED, 'cancel', 0, 'attempts', 0, 'losses', 0, 'ended', 0, 'due', due, 'cause', '',
  'forgiven', call('LLEN', P .. 'tries:' .. job.seq))
event('requeued', job, '', '')
return done({0})
