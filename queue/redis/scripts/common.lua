-- After base.lua in the scripts that look at jobs, and in the small ones.
local E_ARGUMENT, E_QUARANTINED, E_CHECKSUM, E_VERIFY, E_NOT_FOUND, E_STALE = 100, 104, 201, 210, 302, 307
local LEASED, DONE, FAILED, CANCELLED, DEAD = 1, 2, 3, 4, 5
local STATES = {[0] = 'queued', 'leased', 'done', 'failed', 'cancelled', 'dead'}

if call('HGET', KEYS[1], 'format') ~= '2' then return no_store() end

local taken = 5
local function text()
  taken = taken + 1
  return ARGV[taken]
end
local function number() return tonumber(text()) end

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
