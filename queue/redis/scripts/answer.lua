-- After base.lua in every script that changes something.
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
local function keep(reply)
  call('SET', asked, ARGV[5] .. ':' .. cmsgpack.pack(reply), 'PX', '600000')
  return reply
end

-- Events get the numbers after `last`; each is a list of its fields.
local function append(last, events)
  local stream, limit = P .. 'events', tonumber(ARGV[3])
  for _, event in ipairs(events) do
    last = last + 1
    call('XADD', stream, whole(last) .. '-0', unpack(event))
    -- Old events are forgotten in strides, not one at a time.
    if last % 256 == 0 and last > limit then call('XTRIM', stream, 'MINID', whole(last - limit + 1)) end
  end
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
local function place(priority, due, seq)
  return string.format('%03d', 100 - tonumber(priority)) .. (due == '0' and '99999999999999999999' or
    string.rep('0', 20 - #due) .. due) .. string.rep('0', 16 - #seq) .. seq
end

-- Before a tenant gets a queued job: where it has been idle, its fair share starts at the present.
local function wake(tenant)
  local key = P .. 'tenant:' .. tenant
  local t = call('HMGET', key, 's0', 's1', 'vtime')
  if not t[1] then
    call('HSET', key, 'weight', 1, 'quota', 0, 'vtime', 0, 'average', 1000, 'used', 0, 'proved', 0,
      's0', 0, 's1', 0, 's2', 0, 's3', 0, 's4', 0, 's5', 0)
    call('ZADD', P .. 'tenants', 0, tenant)
    t = {0, 0, 0}
  end
  if tonumber(t[1]) + tonumber(t[2]) == 0 then
    local present = tonumber(call('HGET', KEYS[1], 'vtime'))
    if present > tonumber(t[3]) then call('HSET', key, 'vtime', whole(present)) end
  end
end
