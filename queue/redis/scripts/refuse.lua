-- The result of a job does not verify: one step, or nothing.
local tenant, id, result, lost, cause = text(), text(), text(), text() == '1', text()
local retry_ms, hold_ms, max_attempts, max_strikes = number(), number(), number(), number()
local E_VERIFY = '210'
local job = find_job(tenant, id)
if not job then return no_job(tenant, id) end
local state, refused = tonumber(job.state), P .. 'refused:' .. job.seq

-- {0, again, state, worker, strikes, quarantined}
local function stands(again, worker)
  return {0, again, tonumber(job.state), worker, call('HGET', P .. 'strikes', worker) or '0',
    call('HGET', P .. 'quarantined', worker) and 1 or 0}
end

if state ~= DONE or job.result ~= result then
  local whose = call('HGET', refused, result)
  if whose then return stands(1, whose) end
  return {E_STATE, 'nothing to refuse: the job is ' .. STATES[state] ..
    (state == DONE and ' with another result, ' .. job.result or ' and has no result')}
end
local worker = job.worker
wake(tenant)
local proved = job.proved or '0' -- not there in jobs that were finished before results were refused
if proved ~= '0' then call('HINCRBY', P .. 'tenant:' .. tenant, 'refused', proved) end
unrefer(result)
set(job, 'result', '', 'proved', 0, 'ended', 0)
if lost then
  count('failures')
  charge(job, 'failed', whole(E_CHECKSUM), cause, retry_delay(job, retry_ms), max_attempts)
  return done(stands(0, worker))
end
call('HSET', refused, result, worker)
count('refusals')
charge(job, 'refused', E_VERIFY, cause, hold_ms, max_attempts)

call('ZADD', P .. 'workers', 0, worker)
call('HSETNX', P .. 'seen', worker, 0)
call('HSET', P .. 'blame', worker, cause)
local strikes = call('HINCRBY', P .. 'strikes', worker, 1)
if strikes >= max_strikes and call('HSETNX', P .. 'quarantined', worker, whole(now)) == 1 then
  count('quarantines')
  event('quarantined', job, worker, cause)
  for _, seq in ipairs(call('ZRANGE', P .. 'state:' .. LEASED, 0, -1)) do
    if call('HGET', P .. 'job:' .. seq, 'worker') == worker then give_back(load_job(seq), 'the worker was quarantined') end
  end
end
return done(stands(0, worker))
