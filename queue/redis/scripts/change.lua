-- After answer.lua in the scripts that move jobs.
-- The store's counters and the events, which one of them numbers: what was counted is written once, at the end, before the
-- events. Were a script to end in the middle (a right that the user lacks, a record that is damaged), no number is used that the
-- next script would use again.
local counts, events = {}, {}
local function count(field, by) counts[field] = (counts[field] or 0) + (by or 1) end
local function flush()
  local fields, write, last = {}, {}, 0
  for field in pairs(counts) do fields[#fields + 1] = field end
  if #fields == 0 then return end
  for i, value in ipairs(call('HMGET', P .. 'meta', unpack(fields))) do
    local before = tonumber(value) or 0
    write[2 * i - 1], write[2 * i] = fields[i], whole(before + counts[fields[i]])
    if fields[i] == 'event' then last = before end
  end
  call('HSET', P .. 'meta', unpack(write))
  append(last, events)
  counts, events = {}, {}
end

local function done(reply)
  flush()
  return keep(reply)
end

local EVENT = {submitted = 1, leased = 2, expired = 3, released = 4, failed = 5, done = 6, late = 7, stale = 8,
  cancel = 9, cancelled = 10, deadline = 11, dead = 12, requeued = 13, refused = 14,
  quarantined = 15, pardoned = 16, barred = 17}
local function event(kind, job, worker, detail)
  count('event')
  events[#events + 1] = {'at', whole(now), 'kind', EVENT[kind], 'tenant', job.tenant, 'id', job.id, 'epoch', job.epoch,
    'worker', worker, 'detail', detail}
end

local function set(job, ...)
  local fields = {...}
  for i = 1, #fields, 2 do
    if type(fields[i + 1]) == 'number' then fields[i + 1] = whole(fields[i + 1]) end
    job[fields[i]] = fields[i + 1]
  end
  call('HSET', P .. 'job:' .. job.seq, unpack(fields))
end

-- A lane holds the queued jobs of a tenant that any worker may have alike: same circuit, key and memory.
local function enter(job, to)
  local there = call('HINCRBY', P .. 'tenant:' .. job.tenant, 's' .. to, 1)
  count('s' .. to)
  call('ZADD', P .. 'state:' .. to, job.seq, job.seq)
  if to == QUEUED then
    call('ZADD', P .. 'lane:' .. job.tenant .. ':' .. job.lane, 0, place(job.priority, job.due, job.seq))
    call('SADD', P .. 'lanes:' .. job.tenant, job.lane)
  elseif to == LEASED then
    call('ZADD', P .. 'expiry', job.expires, job.seq)
  elseif to ~= DEAD then
    call('ZADD', P .. 'ended', job.ended, job.seq)
  end
  if to <= LEASED and job.due ~= '0' then call('ZADD', P .. 'due', job.due, job.seq) end
  if to ~= QUEUED or there == 1 then rank(job.tenant) end -- one more queued job moves no tenant
end

local function leave(job)
  local from = tonumber(job.state)
  call('HINCRBY', P .. 'tenant:' .. job.tenant, 's' .. from, -1)
  count('s' .. from, -1)
  call('ZREM', P .. 'state:' .. from, job.seq)
  if from == QUEUED then
    local lane = P .. 'lane:' .. job.tenant .. ':' .. job.lane
    call('ZREM', lane, place(job.priority, job.due, job.seq))
    if call('EXISTS', lane) == 0 then call('SREM', P .. 'lanes:' .. job.tenant, job.lane) end
  elseif from == LEASED then
    call('ZREM', P .. 'expiry', job.seq)
  else
    call('ZREM', P .. 'ended', job.seq)
  end
  call('ZREM', P .. 'due', job.seq)
end

-- Moves a job to another state and writes the other fields, which count for where it stands there.
local function move(job, to, ...)
  leave(job)
  set(job, 'state', to, ...)
  enter(job, to)
end

-- References keep an artifact; one without any is loose from its last put on.
local function refer(digest)
  if call('HINCRBY', P .. 'artifact:' .. digest, 'refs', 1) == 1 then call('ZREM', P .. 'loose', digest) end
end
local function unrefer(digest)
  local key = P .. 'artifact:' .. digest
  if call('EXISTS', key) == 1 and call('HINCRBY', key, 'refs', -1) == 0 then
    call('ZADD', P .. 'loose', call('HGET', key, 'put'), digest)
  end
end
