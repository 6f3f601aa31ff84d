local oldest = call('ZRANGE', P .. 'waiting', 0, 0, 'WITHSCORES')
return {0, call('HGETALL', P .. 'meta'), oldest[2] and whole(math.max(0, now - tonumber(oldest[2]))) or '0'}
