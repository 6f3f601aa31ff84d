-- In front of every script. KEYS[1] is the hash "meta"; all keys share its hash tag.
-- ARGV: 1 the keys' prefix, 2 the time in ms ('' for this server's), 3 events kept,
-- 4 the handle's id, 5 the number of its request; the script's own follow.
-- A reply is {status, ...}: 0, or a number of hyperfold/status.h and a message.
local P, call = ARGV[1], redis.call
local E_ARGUMENT, E_STATE, E_QUARANTINED, E_FORMAT, E_CHECKSUM, E_VERIFY = 100, 101, 104, 200, 201, 210
local E_NOT_FOUND, E_EXISTS, E_BUSY, E_STALE = 302, 303, 304, 307
local QUEUED, LEASED, DONE, FAILED, CANCELLED, DEAD = 0, 1, 2, 3, 4, 5
local STATES = {[0] = 'queued', 'leased', 'done', 'failed', 'cancelled', 'dead'}

if call('HGET', P .. 'meta', 'format') ~= '2' then
  return {E_FORMAT, 'the store is not there any more: was the server restored from elsewhere, or flushed?'}
end

local taken = 5
local function text()
  taken = taken + 1
  return ARGV[taken]
end
local function number() return tonumber(text()) end

local now = tonumber(ARGV[2])
if not now then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Lua's own tostring turns large integers into floating point notation.
local function whole(n) return string.format('%.0f', n) end

-- What a job has that nobody has written yet.
local UNSET = {__index = {cancel = '0', epoch = '0', attempts = '0', losses = '0', worker = '', done = '0', total = '0',
  phase = '', leased = '0', expires = '0', ended = '0', used = '0', result = '', cause = '', beat = '0', advance = '0',
  charged = '0', forgiven = '0'}}

local function load_job(seq)
  local flat, job = call('HGETALL', P .. 'job:' .. seq), setmetatable({}, UNSET)
  for i = 1, #flat, 2 do job[flat[i]] = flat[i + 1] end
  return job.seq and job
end

local function find_job(tenant, id)
  local seq = call('HGET', P .. 'ids:' .. tenant, id)
  return seq and load_job(seq)
end

local function no_job(tenant, id)
  local seq = call('HGET', P .. 'ids:' .. tenant, id)
  if seq then return {E_CHECKSUM, 'queue: record ' .. seq .. ' of the jobs is gone'} end
  return {E_NOT_FOUND, ''}
end
