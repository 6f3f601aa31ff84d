local worker = text()
if not call('HGET', P .. 'seen', worker) then return {E_NOT_FOUND, 'the queue knows no worker ' .. worker} end
if call('HDEL', P .. 'strikes', worker) == 0 then return {0} end
call('HDEL', P .. 'quarantined', worker)
call('HDEL', P .. 'blame', worker)
count('pardons')
event('pardoned', {tenant = '', id = '', epoch = '0'}, worker, '')
return done({0})
