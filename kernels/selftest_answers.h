/* Known answers for selftest.c, in Montgomery form. Made by selftest_answers.py in this folder. */
#ifndef HF_SELFTEST_ANSWERS_H
#define HF_SELFTEST_ANSWERS_H

#define HF_ANSWER_NTT_777          {{0x169fccab86944399ull, 0xdfbebae351c9310aull, 0xa9f289382a99179dull, 0x0e293db067dc825eull}}
#define HF_ANSWER_COSET_NTT_777    {{0x82362808ae795dccull, 0x1938db555d36a29bull, 0xbec1dfd87b2adf6cull, 0x26d81543dbe450a7ull}}
#define HF_ANSWER_MSM_X            {{0x3b43031845336f27ull, 0x10e7115c4699cfcaull, 0xac2d42435e6e874bull, 0x29c83786cfb7eebbull}}
#define HF_ANSWER_MSM_Y            {{0x06b600dd61dc262aull, 0x9c35d3bf8717e859ull, 0x763fbdd1e0c46910ull, 0x0eba37d118595b3dull}}
#define HF_ANSWER_COMMIT_X         {{0x31d2cd5da8bf323dull, 0xd0d2515c838048faull, 0xb8946bb54ea3796cull, 0x292ac03fe4305897ull}}
#define HF_ANSWER_COMMIT_Y         {{0x12f25fdf9353b6e5ull, 0x23a07d73cbeaaaacull, 0xe86c7edec9d2ccf7ull, 0x034656d7b6b52b1cull}}
#define HF_ANSWER_BATCH_INVERSE    {{0x951202c513155fd1ull, 0x5815f67e78078c5dull, 0x6750e5aba9e00a59ull, 0x0fb21a6947379349ull}}
#define HF_ANSWER_AXPY             {{0xe8d42e2109bbaa7full, 0xfccaa8620758cf82ull, 0x484faba9bdaa385dull, 0x0cecf1c122a2d553ull}}
#define HF_ANSWER_AXPY_STRIDED     {{0xcb36d2e5fd3d83fbull, 0xec3a1db5b3114157ull, 0x8fb3b7e4fb970aabull, 0x02c7a84540b3bc60ull}}
#define HF_ANSWER_SCALE            {{0x511052589a415c4aull, 0x1c7169c14fd51a5cull, 0x1b07c41e8e3c5f18ull, 0x17f2468dc2b700ecull}}
#define HF_ANSWER_HADAMARD         {{0x2252b0d5832f4549ull, 0x6306b842066bcc5full, 0x5d207e363e5a5e90ull, 0x01e9f2d771a109c8ull}}
#define HF_ANSWER_EVALUATE         {{0xe8d3207dbe001c35ull, 0xdcf7f680a6f42b6dull, 0xcbf07d3538647bdaull, 0x00cc46293cb2d00cull}}
#define HF_ANSWER_DIVIDE           {{0x27ccfee5b1b5f05cull, 0x4fd3d1fb6e54f613ull, 0x2469d298029e720cull, 0x0b6cdd43e1e7262aull}}
#define HF_ANSWER_DIVIDE_REMAINDER {{0x8fecae65a4b5d540ull, 0x2e15170e4549c140ull, 0xa9243eb0787e209eull, 0x2a1734b678b47b6dull}}
#define HF_ANSWER_GRAND_PRODUCT    {{0xc989b9d75ea48db1ull, 0xc25e7529af29dcc9ull, 0xbc3ee971cd4deb7dull, 0x0e8b6b42782861d2ull}}
#define HF_ANSWER_PREFIX_SUM       {{0x2c902e4a8048deb7ull, 0x0e11e59876a8c336ull, 0x311610030c7c81c0ull, 0x258b67a58a5de295ull}}
#define HF_ANSWER_PREFIX_SUM_TOTAL {{0x6f688b4029a89f0aull, 0xb3cc09a4b9d8bfb4ull, 0x3b2705948ffc55d9ull, 0x26b5beeaebd0e800ull}}

#endif
