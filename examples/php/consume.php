<?php
$r = new Redis();
$r->connect(getenv('REDIS_SOCKET'));
$r->select((int) getenv('REDIS_DB'));
[$stream, $group, $me] = ['guichet:{dazno}:events', 'backend', 'php-' . getmypid()];
$r->xGroup('CREATE', $stream, $group, '0', true); // false when it is there
while (true) {
    foreach ($r->xReadGroup($group, $me, [$stream => '>'], 10, 1000)[$stream] ?? [] as $entry => $event) {
        echo $event['id'], ' ', $event['type'], ' ', $event['body'], "\n";
        $r->xAck($stream, $group, [$entry]);
    }
}
