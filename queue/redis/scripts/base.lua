-- In front of every script. KEYS[1] is the hash "meta"; all keys share its hash tag.
-- ARGV: 1 the keys' prefix, 2 the time in ms ('' for this server's), 3 events kept,
-- 4 the handle's id, 5 the number of its request; the script's own follow.
-- A reply is {status, ...}: 0, or a number of hyperfold/status.h and a message.
-- All of a script's text runs at every call, its tables and functions are made anew: it has those that it needs.
local P, call = ARGV[1], redis.call
local E_STATE, E_FORMAT, QUEUED = 101, 200, 0

local now = ARGV[2]
if now == '' then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
else
  now = tonumber(now)
end

-- Lua's own tostring turns large integers into floating point notation; what is no integer of C is written the long way.
local function whole(n) return string.format(n < 9007199254740992 and '%d' or '%.0f', n) end

local function no_store() return {E_FORMAT, 'the store is not there any more: was the server restored from elsewhere, or flushed?'} end
