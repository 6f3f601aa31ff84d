-- Forgets jobs that are still as whoever decided it saw them.
local removed = 0
for _ = 1, number() do
  local seq, ended = text(), text()
  local job = load_job(seq)
  if job and job.ended == ended and (job.state == '2' or job.state == '3' or job.state == '4') then
    leave(job)
    call('HDEL', P .. 'ids:' .. job.tenant, job.id)
    call('DEL', P .. 'job:' .. seq, P .. 'tries:' .. seq, P .. 'held:' .. seq, P .. 'refused:' .. seq)
    unrefer(job.input)
    if job.result ~= '' then unrefer(job.result) end
    removed = removed + 1
  end
end
return done({0, removed})
