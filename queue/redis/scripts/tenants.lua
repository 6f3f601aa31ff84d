local after, most = text(), text()
local reply = {0}
for i, name in ipairs(call('ZRANGEBYLEX', P .. 'tenants', '(' .. after, '+', 'LIMIT', 0, most)) do
  reply[i + 1] = {name, call('HMGET', P .. 'tenant:' .. name, 'weight', 'quota', 'used', 'proved',
    's0', 's1', 's2', 's3', 's4', 's5'), call('HGET', P .. 'tenant:' .. name, 'refused') or '0'}
end
return reply
