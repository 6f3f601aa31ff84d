local after, since, most = text(), number(), number()
local reply = {0, ''}
for _, name in ipairs(call('ZRANGEBYLEX', P .. 'workers', '(' .. after, '+', 'LIMIT', 0, most)) do
  local seen, quarantined = call('HGET', P .. 'seen', name), call('HGET', P .. 'quarantined', name)
  reply[2] = name
  if tonumber(seen) >= since or quarantined then
    reply[#reply + 1] = {call('HGET', P .. 'announcements', name) or '', seen, name,
      call('HGET', P .. 'strikes', name) or '0', quarantined or '0', call('HGET', P .. 'blame', name) or ''}
  end
end
return reply
