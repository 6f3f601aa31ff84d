local tenant, id, most = text(), text(), number()
local job = find_job(tenant, id)
if not job then return no_job(tenant, id) end
local reply = {0}
for _, entry in ipairs(call('LRANGE', P .. 'tries:' .. job.seq, 0, -1)) do
  local loss, at, epoch, worker, code, cause = entry:match('^(%d)\n(%d+)\n(%d+)\n([^\n]*)\n(%d+)\n(.*)$')
  if loss == '0' and #reply <= most then reply[#reply + 1] = {at, epoch, worker, code, cause} end
end
return reply
