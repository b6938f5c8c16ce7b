;; Iterations of n x n points of [-2, 1] x [-1.5, 1.5], at most 256 each; run(n) gives their sum.
(module
  (func (export "run") (param $n i32) (result i32)
    (local $i i32) (local $j i32) (local $k i32) (local $total i32) (local $step f64)
    (local $x f64) (local $y f64) (local $re f64) (local $im f64) (local $re2 f64) (local $im2 f64)
    (local.set $step (f64.div (f64.const 3) (f64.convert_i32_u (local.get $n))))
    (loop $rows
      (local.set $y (f64.sub (f64.mul (f64.convert_i32_u (local.get $i)) (local.get $step)) (f64.const 1.5)))
      (local.set $j (i32.const 0))
      (loop $columns
        (local.set $x (f64.sub (f64.mul (f64.convert_i32_u (local.get $j)) (local.get $step)) (f64.const 2)))
        (local.set $re (f64.const 0))
        (local.set $im (f64.const 0))
        (local.set $k (i32.const 0))
        (block $out
          (loop $inner
            (local.set $re2 (f64.mul (local.get $re) (local.get $re)))
            (local.set $im2 (f64.mul (local.get $im) (local.get $im)))
            (br_if $out (f64.gt (f64.add (local.get $re2) (local.get $im2)) (f64.const 4)))
            (local.set $im (f64.add
              (f64.mul (f64.mul (f64.const 2) (local.get $re)) (local.get $im)) (local.get $y)))
            (local.set $re (f64.add (f64.sub (local.get $re2) (local.get $im2)) (local.get $x)))
            (br_if $inner (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 256)))))
        (local.set $total (i32.add (local.get $total) (local.get $k)))
        (br_if $columns (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $n))))
      (br_if $rows (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $total)))
