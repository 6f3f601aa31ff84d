local name, announcement, device_memory, host_memory = text(), text(), number(), number()
local lease_ms, max_losses, capabilities = number(), number(), {}
for _ = 1, number() do capabilities[text()] = true end
local SEEN_EVERY_MS = 5000

local function announce()
  call('ZADD', P .. 'workers', 0, name)
  call('HSET', P .. 'announcements', name, announcement)
  call('HSET', P .. 'seen', name, whole(now))
end

local function may_prove(lane)
  local circuit, key, device, host = lane:match('^([^:]+):(%x+):(%d+):(%d+)$')
  return (capabilities[circuit] or capabilities[circuit .. ':' .. key]) and tonumber(device) <= device_memory and
    tonumber(host) <= host_memory
end

-- The first place in a lane whose job is not held from this worker.
local function first_in(lane)
  for from = 0, math.huge, 32 do
    local places = call('ZRANGE', lane, from, from + 31)
    for _, at in ipairs(places) do
      local held = call('HGET', P .. 'held:' .. whole(tonumber(at:sub(24))), name)
      if tonumber(at:sub(4, 23)) > now and not (held and tonumber(held) > now) then return at end
    end
    if #places < 32 then return nil end
  end
end

local function pick(tenant)
  local best, best_lane
  for _, name in ipairs(call('SMEMBERS', P .. 'lanes:' .. tenant)) do
    local lane = P .. 'lane:' .. tenant .. ':' .. name
    local at = may_prove(name) and first_in(lane)
    if at and (not best or at < best) then best, best_lane = at, lane end
  end
  if not best then return nil end
  local job = load_job(whole(tonumber(best:sub(24))))
  if job then return job end
  call('ZREM', best_lane, best) -- its record is gone: it must not hold up the others
  return pick(tenant)
end

-- Tenants in the order of their fair shares until one has a job for this worker.
local function choose()
  for from = 0, math.huge, 32 do
    local tenants = call('ZRANGE', P .. 'active', from, from + 31)
    for _, tenant in ipairs(tenants) do
      local job = pick(tenant)
      if job then return job end
    end
    if #tenants < 32 then return nil end
  end
end

local bad = quarantine(name)
if bad then return {E_QUARANTINED, bad} end
reap(max_losses, 500)
local job = choose()
local seen = tonumber(call('HGET', P .. 'seen', name) or '0')
if job or seen + SEEN_EVERY_MS <= now then announce() end
if not job then
  flush() -- of what was reaped
  return {0, 0}
end

local key = P .. 'tenant:' .. job.tenant
local t = call('HMGET', key, 'vtime', 'weight', 'average')
local vtime, average = tonumber(t[1]), tonumber(t[3])
call('HSET', key, 'vtime', whole(vtime + math.floor(average * 1000 / tonumber(t[2]))))
local present = call('HMGET', KEYS[1], 'vtime', 'floor')
local floor = tonumber(present[2] or '0')
if vtime > tonumber(present[1]) then call('HSET', KEYS[1], 'vtime', whole(vtime)) end
count('leases')
move(job, LEASED, 'epoch', math.max(tonumber(job.epoch) + 1, floor), 'worker', name, 'leased', now, 'beat', now, 'advance', now,
  'expires', now + lease_ms, 'done', 0, 'total', 0, 'phase', '', 'charged', average)
event('leased', job, name, '')
return done({0, 1, job.epoch, job.attempts, job.expires, job.due, job.header, job.payload, job.tenant, job.id})
