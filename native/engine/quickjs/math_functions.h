/* Compiled in front of quickjs.c: Math's functions and the operator ** take fdlibm's results, not those of the C
 * library. */
#ifndef DCP_QUICKJS_MATH_FUNCTIONS_H
#define DCP_QUICKJS_MATH_FUNCTIONS_H

#include <math.h>

#include "fdlibm/fdlibm.h"

#define sin fdlibm_sin
#define cos fdlibm_cos
#define tan fdlibm_tan
#define asin fdlibm_asin
#define acos fdlibm_acos
#define atan fdlibm_atan
#define atan2 fdlibm_atan2
#define exp fdlibm_exp
#define expm1 fdlibm_expm1
#define log fdlibm_log
#define log1p fdlibm_log1p
#define log2 fdlibm_log2
#define log10 fdlibm_log10
#define sinh fdlibm_sinh
#define cosh fdlibm_cosh
#define tanh fdlibm_tanh
#define asinh fdlibm_asinh
#define acosh fdlibm_acosh
#define atanh fdlibm_atanh
#define pow fdlibm_pow
#define cbrt fdlibm_cbrt

#endif
