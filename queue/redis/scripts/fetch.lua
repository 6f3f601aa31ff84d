local digest, index = text(), number()
local a = call('HMGET', P .. 'artifact:' .. digest, 'size', 'chunks')
if not a[1] then return {E_NOT_FOUND, 'artifact ' .. digest .. ' is not in the store'} end
return {0, a[1], a[2], call('GET', P .. 'chunk:' .. digest .. ':' .. index) or ''}
