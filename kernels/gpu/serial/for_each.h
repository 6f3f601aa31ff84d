/* HF_PARAMETERS((T, x), (U, y), ...): T x, U y, ...; HF_UNPACK(a, (T, x), (U, y), ...): *(T *)a[0], *(U *)a[1], ...
 * for up to 48 parameters. The preprocessor has no loops: one macro for each number of parameters that are left. */
#ifndef HF_SERIAL_FOR_EACH_H
#define HF_SERIAL_FOR_EACH_H

#define HF_PARAMETERS(...) HF_FE(HF_FE_PARAMETER, 0, __VA_ARGS__)
#define HF_UNPACK(a, ...)  HF_FE(HF_FE_UNPACK, a, __VA_ARGS__)

#define HF_FE_PARAMETER(a, i, tuple) HF_FE_DECLARE tuple
#define HF_FE_DECLARE(type, name)    type name
#define HF_FE_UNPACK(a, i, tuple)    *(HF_FE_TYPE tuple *)(a)[i]
#define HF_FE_TYPE(type, name)       type

/* HF_FE(m, a, x, y, ...): m(a, 0, x), m(a, 0 + 1, y), ... */
#define HF_FE(m, a, ...)    HF_FE_PASTE(HF_FE_, HF_FE_COUNT(__VA_ARGS__))(m, a, 0, __VA_ARGS__)
#define HF_FE_PASTE(x, y)   HF_FE_PASTE_(x, y)
#define HF_FE_PASTE_(x, y)  x##y
#define HF_FE_COUNT(...) \
  HF_FE_LAST(__VA_ARGS__, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, \
             31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, \
             8, 7, 6, 5, 4, 3, 2, 1, 0)
#define HF_FE_LAST(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, _18, \
                   _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32, _33, _34, _35, \
                   _36, _37, _38, _39, _40, _41, _42, _43, _44, _45, _46, _47, last, ...) last
#define HF_FE_1(m, a, i, x)       m(a, i, x)
#define HF_FE_2(m, a, i, x, ...)  m(a, i, x), HF_FE_1(m, a, i + 1, __VA_ARGS__)
#define HF_FE_3(m, a, i, x, ...)  m(a, i, x), HF_FE_2(m, a, i + 1, __VA_ARGS__)
#define HF_FE_4(m, a, i, x, ...)  m(a, i, x), HF_FE_3(m, a, i + 1, __VA_ARGS__)
#define HF_FE_5(m, a, i, x, ...)  m(a, i, x), HF_FE_4(m, a, i + 1, __VA_ARGS__)
#define HF_FE_6(m, a, i, x, ...)  m(a, i, x), HF_FE_5(m, a, i + 1, __VA_ARGS__)
#define HF_FE_7(m, a, i, x, ...)  m(a, i, x), HF_FE_6(m, a, i + 1, __VA_ARGS__)
#define HF_FE_8(m, a, i, x, ...)  m(a, i, x), HF_FE_7(m, a, i + 1, __VA_ARGS__)
#define HF_FE_9(m, a, i, x, ...)  m(a, i, x), HF_FE_8(m, a, i + 1, __VA_ARGS__)
#define HF_FE_10(m, a, i, x, ...) m(a, i, x), HF_FE_9(m, a, i + 1, __VA_ARGS__)
#define HF_FE_11(m, a, i, x, ...) m(a, i, x), HF_FE_10(m, a, i + 1, __VA_ARGS__)
#define HF_FE_12(m, a, i, x, ...) m(a, i, x), HF_FE_11(m, a, i + 1, __VA_ARGS__)
#define HF_FE_13(m, a, i, x, ...) m(a, i, x), HF_FE_12(m, a, i + 1, __VA_ARGS__)
#define HF_FE_14(m, a, i, x, ...) m(a, i, x), HF_FE_13(m, a, i + 1, __VA_ARGS__)
#define HF_FE_15(m, a, i, x, ...) m(a, i, x), HF_FE_14(m, a, i + 1, __VA_ARGS__)
#define HF_FE_16(m, a, i, x, ...) m(a, i, x), HF_FE_15(m, a, i + 1, __VA_ARGS__)
#define HF_FE_17(m, a, i, x, ...) m(a, i, x), HF_FE_16(m, a, i + 1, __VA_ARGS__)
#define HF_FE_18(m, a, i, x, ...) m(a, i, x), HF_FE_17(m, a, i + 1, __VA_ARGS__)
#define HF_FE_19(m, a, i, x, ...) m(a, i, x), HF_FE_18(m, a, i + 1, __VA_ARGS__)
#define HF_FE_20(m, a, i, x, ...) m(a, i, x), HF_FE_19(m, a, i + 1, __VA_ARGS__)
#define HF_FE_21(m, a, i, x, ...) m(a, i, x), HF_FE_20(m, a, i + 1, __VA_ARGS__)
#define HF_FE_22(m, a, i, x, ...) m(a, i, x), HF_FE_21(m, a, i + 1, __VA_ARGS__)
#define HF_FE_23(m, a, i, x, ...) m(a, i, x), HF_FE_22(m, a, i + 1, __VA_ARGS__)
#define HF_FE_24(m, a, i, x, ...) m(a, i, x), HF_FE_23(m, a, i + 1, __VA_ARGS__)
#define HF_FE_25(m, a, i, x, ...) m(a, i, x), HF_FE_24(m, a, i + 1, __VA_ARGS__)
#define HF_FE_26(m, a, i, x, ...) m(a, i, x), HF_FE_25(m, a, i + 1, __VA_ARGS__)
#define HF_FE_27(m, a, i, x, ...) m(a, i, x), HF_FE_26(m, a, i + 1, __VA_ARGS__)
#define HF_FE_28(m, a, i, x, ...) m(a, i, x), HF_FE_27(m, a, i + 1, __VA_ARGS__)
#define HF_FE_29(m, a, i, x, ...) m(a, i, x), HF_FE_28(m, a, i + 1, __VA_ARGS__)
#define HF_FE_30(m, a, i, x, ...) m(a, i, x), HF_FE_29(m, a, i + 1, __VA_ARGS__)
#define HF_FE_31(m, a, i, x, ...) m(a, i, x), HF_FE_30(m, a, i + 1, __VA_ARGS__)
#define HF_FE_32(m, a, i, x, ...) m(a, i, x), HF_FE_31(m, a, i + 1, __VA_ARGS__)
#define HF_FE_33(m, a, i, x, ...) m(a, i, x), HF_FE_32(m, a, i + 1, __VA_ARGS__)
#define HF_FE_34(m, a, i, x, ...) m(a, i, x), HF_FE_33(m, a, i + 1, __VA_ARGS__)
#define HF_FE_35(m, a, i, x, ...) m(a, i, x), HF_FE_34(m, a, i + 1, __VA_ARGS__)
#define HF_FE_36(m, a, i, x, ...) m(a, i, x), HF_FE_35(m, a, i + 1, __VA_ARGS__)
#define HF_FE_37(m, a, i, x, ...) m(a, i, x), HF_FE_36(m, a, i + 1, __VA_ARGS__)
#define HF_FE_38(m, a, i, x, ...) m(a, i, x), HF_FE_37(m, a, i + 1, __VA_ARGS__)
#define HF_FE_39(m, a, i, x, ...) m(a, i, x), HF_FE_38(m, a, i + 1, __VA_ARGS__)
#define HF_FE_40(m, a, i, x, ...) m(a, i, x), HF_FE_39(m, a, i + 1, __VA_ARGS__)
#define HF_FE_41(m, a, i, x, ...) m(a, i, x), HF_FE_40(m, a, i + 1, __VA_ARGS__)
#define HF_FE_42(m, a, i, x, ...) m(a, i, x), HF_FE_41(m, a, i + 1, __VA_ARGS__)
#define HF_FE_43(m, a, i, x, ...) m(a, i, x), HF_FE_42(m, a, i + 1, __VA_ARGS__)
#define HF_FE_44(m, a, i, x, ...) m(a, i, x), HF_FE_43(m, a, i + 1, __VA_ARGS__)
#define HF_FE_45(m, a, i, x, ...) m(a, i, x), HF_FE_44(m, a, i + 1, __VA_ARGS__)
#define HF_FE_46(m, a, i, x, ...) m(a, i, x), HF_FE_45(m, a, i + 1, __VA_ARGS__)
#define HF_FE_47(m, a, i, x, ...) m(a, i, x), HF_FE_46(m, a, i + 1, __VA_ARGS__)
#define HF_FE_48(m, a, i, x, ...) m(a, i, x), HF_FE_47(m, a, i + 1, __VA_ARGS__)

#endif
