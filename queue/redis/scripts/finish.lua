local tenant, id, epoch, worker, result = text(), text(), text(), text(), text()
local ACCEPTED, DUPLICATE, LATE, OVER = 0, 1, 2, 3
local job = find_job(tenant, id)
if not job then return no_job(tenant, id) end
local state = tonumber(job.state)
-- Epochs stay far below 2^53; what a caller makes up may be larger, and is larger still after rounding.
-- Below the floor is what may have been given before this store was put back from a copy.
local floor = tonumber(call('HGET', P .. 'meta', 'floor') or '0')
if tonumber(epoch) == 0 or (tonumber(epoch) > tonumber(job.epoch) and tonumber(epoch) >= floor) then
  return {E_ARGUMENT, 'a result under epoch ' .. epoch .. ': the job\'s last lease has ' .. job.epoch}
end
if call('EXISTS', P .. 'artifact:' .. result) == 0 then
  return {E_NOT_FOUND, 'the result ' .. result .. ' is not in the artifact store'}
end
local function bar(status, why)
  count('barred')
  event('barred', job, worker, cut(why, 500))
  return done({status, why})
end
local bad = quarantine(worker)
if bad then return bar(E_QUARANTINED, bad) end
local whose = call('HGET', P .. 'refused:' .. job.seq, result)
if whose then return bar(E_VERIFY, 'this result of the job was refused before, when ' .. whose .. ' handed it in') end
if state == DONE then
  local same = job.result == result
  count('late_results')
  if not same then count('late_differing') end
  event('late', job, worker, same and 'the same result again' or 'another result; the first one stays')
  return done({0, same and DUPLICATE or LATE})
end
local current = state == LEASED and job.epoch == epoch
if state == CANCELLED or job.cancel == '1' then
  count('late_results')
  event('late', job, worker, 'the job was cancelled')
  if current then
    close_lease(job, now, false)
    cancel_now(job)
  end
  return done({0, OVER})
end
-- Another worker's lease ends here too; its next heartbeat tells it.
local used = state == LEASED and close_lease(job, now, current)
refer(result)
move(job, DONE, 'result', result, 'worker', worker, 'ended', now, 'cause', '', 'proved', current and used or 0)
count('results')
event('done', job, worker, current and '' or 'a result of an earlier lease')
return done({0, ACCEPTED})
