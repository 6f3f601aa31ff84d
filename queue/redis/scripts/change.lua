-- After common.lua in every script that changes something.
-- A request whose answer was lost on the way is sent again under its number: it gets the answer that
-- was given. One that was overtaken by a later request of the same handle (it lay in a connection that
-- was given up) has nobody who waits for it, and must not act.
local asked = P .. 'asked:' .. ARGV[4]
local kept = call('GET', asked)
if kept then
  local colon = kept:find(':', 1, true)
  local last, this = tonumber(kept:sub(1, colon - 1)), tonumber(ARGV[5])
  if last == this then return cmsgpack.unpack(kept:sub(colon + 1)) end
  if last > this then return {E_STATE, 'the request was overtaken by a later one'} end
end
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
  local limit = tonumber(ARGV[3])
  for i, event in ipairs(events) do
    call('XADD', P .. 'events', whole(last + i) .. '-0', unpack(event))
    -- Old events are forgotten in strides, not one at a time.
    if (last + i) % 256 == 0 and last + i > limit then
      call('XTRIM', P .. 'events', 'MINID', whole(last + i - limit + 1))
    end
  end
  counts, events = {}, {}
end

local function done(reply)
  flush()
  call('SET', asked, ARGV[5] .. ':' .. cmsgpack.pack(reply), 'PX', 600000)
  return reply
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

-- The tenants with queued jobs, by fair share.
local function rank(tenant)
  local t = call('HMGET', P .. 'tenant:' .. tenant, 's0', 'vtime')
  if tonumber(t[1]) > 0 then
    call('ZADD', P .. 'active', t[2], tenant)
  else
    call('ZREM', P .. 'active', tenant)
  end
end

-- A job's place in its lane: priority, deadline and age as text that sorts.
local function place(job)
  local due = job.due == '0' and string.rep('9', 20) or string.rep('0', 20 - #job.due) .. job.due
  return string.format('%03d', 100 - tonumber(job.priority)) .. due .. string.rep('0', 16 - #job.seq) .. job.seq
end

-- A lane holds the queued jobs of a tenant that any worker may have alike: same circuit, key and memory.
local function enter(job, to)
  local there = call('HINCRBY', P .. 'tenant:' .. job.tenant, 's' .. to, 1)
  count('s' .. to)
  call('ZADD', P .. 'state:' .. to, job.seq, job.seq)
  if to == QUEUED then
    call('ZADD', P .. 'lane:' .. job.tenant .. ':' .. job.lane, 0, place(job))
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
    call('ZREM', lane, place(job))
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

-- Before a tenant gets a queued job: where it has been idle, its fair share starts at the present. Gives how many of its jobs
-- are queued and running, its quota, and the average time of its jobs.
local function wake(tenant)
  local key = P .. 'tenant:' .. tenant
  local t = call('HMGET', key, 's0', 's1', 'quota', 'average', 'vtime')
  if not t[1] then
    call('HSET', key, 'weight', 1, 'quota', 0, 'vtime', 0, 'average', 1000, 'used', 0, 'proved', 0,
      's0', 0, 's1', 0, 's2', 0, 's3', 0, 's4', 0, 's5', 0)
    call('ZADD', P .. 'tenants', 0, tenant)
    t = {0, 0, 0, 1000, 0}
  end
  local queued, running = tonumber(t[1]), tonumber(t[2])
  if queued + running == 0 then
    local present = tonumber(call('HGET', P .. 'meta', 'vtime'))
    if present > tonumber(t[5]) then call('HSET', key, 'vtime', whole(present)) end
  end
  return queued, running, tonumber(t[3]), tonumber(t[4])
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
