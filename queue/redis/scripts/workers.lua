local after, since, most = text(), number(), number()
local reply = {0, ''}
for _, name in ipairs(call('ZRANGEBYLEX', P .. 'workers', '(' .. after, '+', 'LIMIT', 0, most)) do
  local seen = call('HGET', P .. 'seen', name)
  reply[2] = name
  if tonumber(seen) >= since then reply[#reply + 1] = {call('HGET', P .. 'announcements', name), seen} end
end
return reply
