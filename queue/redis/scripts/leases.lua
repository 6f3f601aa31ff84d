-- After change.lua where leases end.
-- Meters the time up to `until_ms`; what was charged when the lease was given is replaced by what it
-- took, in microseconds of device time over weight. The average follows accepted results alone.
local function close_lease(job, until_ms, proved)
  local key = P .. 'tenant:' .. job.tenant
  local used = math.max(0, until_ms - tonumber(job.leased))
  local t = call('HMGET', key, 'weight', 'vtime', 'average', 'used', 'proved')
  local vtime = whole(tonumber(t[2]) + math.floor((used - tonumber(job.charged)) * 1000 / tonumber(t[1])))
  local total = whole(t[4] + used)
  if proved and used > 0 then
    call('HSET', key, 'vtime', vtime, 'used', total, 'proved', whole(t[5] + used),
      'average', whole(math.max(1, math.floor((tonumber(t[3]) * 7 + used) / 8))))
  else
    call('HSET', key, 'vtime', vtime, 'used', total)
  end
  set(job, 'used', tonumber(job.used) + used)
  rank(job.tenant)
  return used
end

-- At most so many bytes of UTF-8.
local function cut(long, most)
  if #long <= most then return long end
  return (long:sub(1, most):gsub('[\192-\255]?[\128-\191]*$', ''))
end

local function cancel_now(job)
  move(job, CANCELLED, 'ended', now)
  event('cancelled', job, job.worker, job.cause)
end

local function bury(job, cause)
  move(job, DEAD, 'ended', now, 'cause', cause)
  event('dead', job, job.worker, cause)
end

-- Notes a failure ('0') or a loss ('1') and says whether it was the last that the job had: `limit` of
-- its kind on at least two workers, or twice that on one.
local function last_try(job, loss, code, cause, tries, limit)
  local key, seen, workers = P .. 'tries:' .. job.seq, {}, 0
  call('RPUSH', key, table.concat({loss, whole(now), job.epoch, job.worker, code, cause}, '\n'))
  for _, entry in ipairs(call('LRANGE', key, job.forgiven, -1)) do
    local kind, worker = entry:match('^(%d)\n%d+\n%d+\n([^\n]*)\n')
    if kind == loss and not seen[worker] then
      seen[worker] = true
      workers = workers + 1
    end
  end
  return (tries >= limit and workers >= 2) or tries >= 2 * limit
end

-- How long a worker that fails is not offered the job again.
local function retry_delay(job, retry_ms) return retry_ms * 2 ^ math.min(tonumber(job.attempts), 10) end

-- Charges an attempt to the job's worker, who is not offered it again for `hold_ms`; gives the job's state then.
local function charge(job, kind, code, cause, hold_ms, max_attempts)
  local attempts = tonumber(job.attempts) + 1
  set(job, 'attempts', attempts)
  call('HSET', P .. 'held:' .. job.seq, job.worker, whole(now + hold_ms))
  local last = last_try(job, '0', code, cause, attempts, max_attempts)
  event(kind, job, job.worker, cause)
  if last then
    bury(job, cause)
    return DEAD
  end
  move(job, QUEUED, 'cause', cause)
  return QUEUED
end

-- Ends the lease of a leased job without an attempt.
local function give_back(job, why)
  close_lease(job, now, false)
  if job.cancel == '1' then return cancel_now(job) end
  count('released')
  event('released', job, job.worker, why)
  move(job, QUEUED)
end

-- nil, or why a worker is in quarantine.
local function quarantine(worker)
  if not call('HGET', P .. 'quarantined', worker) then return nil end
  return 'worker ' .. worker .. ' is quarantined: ' .. call('HGET', P .. 'strikes', worker) ..
    ' of its results were refused, the last one: ' .. call('HGET', P .. 'blame', worker) ..
    '; `hyperfold queue pardon ' .. worker .. '` lets it work again'
end

-- A lease that ran out: the worker is lost, the job is not to blame.
local function expire(job, max_losses)
  close_lease(job, tonumber(job.beat), false)
  count('expired')
  if job.cancel == '1' then return cancel_now(job) end
  local losses = tonumber(job.losses) + 1
  local cause = 'worker ' .. job.worker .. ' was lost' .. (job.phase ~= '' and ' in phase ' .. job.phase or '')
  set(job, 'losses', losses)
  event('expired', job, job.worker, cause)
  if last_try(job, '1', 306, cause, losses, max_losses) then
    bury(job, cause .. '; ' .. whole(losses) .. ' leases of this job ran out')
  else
    move(job, QUEUED, 'cause', cause)
  end
end

local function miss_deadline(job)
  local leased = tonumber(job.state) == LEASED
  if leased then close_lease(job, now < tonumber(job.expires) and now or tonumber(job.beat), false) end
  local before = cut(job.cause, 200)
  local cause = 'the deadline passed while the job was ' .. (leased and 'running' or 'waiting') ..
    (before ~= '' and '; before that: ' .. before or '')
  move(job, FAILED, 'ended', now, 'cause', cause)
  event('deadline', job, leased and job.worker or '', cause)
end

-- Deadlines first: a job that missed its deadline is not offered again.
local function reap(max_losses, most)
  local changed = 0
  for _, rule in ipairs({{'due', miss_deadline}, {'expiry', expire}}) do
    for _, seq in ipairs(call('ZRANGEBYSCORE', P .. rule[1], '-inf', whole(now), 'LIMIT', 0, most)) do
      local job = load_job(seq)
      if not job or not pcall(rule[2], job, max_losses) then
        call('ZREM', P .. rule[1], seq) -- its record is gone, or damaged: it must not hold up the others
        if job then pcall(bury, load_job(seq), 'the record of the job in the queue is damaged') end
      end
      changed = changed + 1
    end
  end
  return changed
end

-- nil where (job, epoch) is the current lease; otherwise it is counted and this is the answer.
local function fence(job, epoch, cause)
  if tonumber(job.state) == LEASED and job.epoch == epoch then return nil end
  count('stale')
  event('stale', job, '', cause)
  return done({E_STALE, 'the lease of epoch ' .. epoch .. ' is over: the job is ' .. STATES[tonumber(job.state)] ..
    ' at epoch ' .. job.epoch})
end
