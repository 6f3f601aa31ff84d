local job = find_job(text(), text())
if not job then return no_job() end
return {0, call('HGETALL', P .. 'job:' .. job.seq)}
