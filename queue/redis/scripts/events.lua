local after, most = text(), text()
local reply = {0}
for i, entry in ipairs(call('XRANGE', P .. 'events', '(' .. after, '+', 'COUNT', most)) do
  reply[i + 1] = {entry[1], entry[2]}
end
return reply
