/* The elementary functions of Math as fdlibm (Sun Microsystems, 1993; FreeBSD's msun after it) computes them, so that
   all evaluators agree bit for bit; the C library's results depend on its version and on the processor.

   The reference is V8 13.6 on x86-64 as Node 24 contains it, with which the tests compare every function. Its
   deviations from fdlibm are kept: exp(1) is Math.E, pow(1 or -1, infinity) is NaN, one term of pow stands in the
   divisor. pow is that of V8's own (--no-use-std-math-pow); without the flag, V8 13.6 calls the pow of the C library
   that it is linked with, which differs from it in the last bit for about 2 % of the arguments.

   Arguments are any double; the results of those outside a function's domain are NaN. No errno, no rounding modes. */
#ifndef DCP_FDLIBM_H
#define DCP_FDLIBM_H

#ifdef __cplusplus
extern "C" {
#endif

double fdlibm_sin(double x);
double fdlibm_cos(double x);
double fdlibm_tan(double x);

double fdlibm_asin(double x);
double fdlibm_acos(double x);
double fdlibm_atan(double x);
double fdlibm_atan2(double y, double x);

double fdlibm_exp(double x);
double fdlibm_expm1(double x);

double fdlibm_log(double x);
double fdlibm_log1p(double x);
double fdlibm_log2(double x);
double fdlibm_log10(double x);

double fdlibm_sinh(double x);
double fdlibm_cosh(double x);
double fdlibm_tanh(double x);
double fdlibm_asinh(double x);
double fdlibm_acosh(double x);
double fdlibm_atanh(double x);

double fdlibm_pow(double x, double y);
double fdlibm_cbrt(double x);

#ifdef __cplusplus
}
#endif

#endif
