local tenant, id = text(), text()
local job = find_job(tenant, id)
if not job then return no_job(tenant, id) end
return {0, call('HGETALL', P .. 'job:' .. job.seq)}
