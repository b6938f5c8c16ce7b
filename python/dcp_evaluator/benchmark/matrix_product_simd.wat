;; Product of two n x n matrices of f32, four columns at a time; n is a multiple of 4. run(n) gives the sum of the product.
(module
  (memory 64)
  (func $fill (param $at i32) (param $count i32) (param $period i32) (local $i i32)
    (loop $next
      (f32.store (i32.add (local.get $at) (i32.shl (local.get $i) (i32.const 2)))
        (f32.convert_i32_u (i32.rem_u (local.get $i) (local.get $period))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count)))))
  (func (export "run") (param $n i32) (result f64)
    (local $size i32) (local $row i32) (local $b i32) (local $i i32) (local $j i32) (local $k i32)
    (local $sum v128) (local $total v128) (local $pa i32) (local $pb i32)
    (local.set $size (i32.mul (local.get $n) (local.get $n)))
    (local.set $row (i32.shl (local.get $n) (i32.const 2)))
    (local.set $b (i32.shl (local.get $size) (i32.const 2)))
    (call $fill (i32.const 0) (local.get $size) (i32.const 7))
    (call $fill (local.get $b) (local.get $size) (i32.const 5))
    (loop $rows
      (local.set $j (i32.const 0))
      (loop $columns
        (local.set $sum (v128.const f32x4 0 0 0 0))
        (local.set $k (i32.const 0))
        (local.set $pa (i32.mul (local.get $i) (local.get $row)))
        (local.set $pb (i32.add (local.get $b) (i32.shl (local.get $j) (i32.const 2))))
        (loop $inner
          (local.set $sum (f32x4.add (local.get $sum)
            (f32x4.mul (v128.load32_splat (local.get $pa)) (v128.load (local.get $pb)))))
          (local.set $pa (i32.add (local.get $pa) (i32.const 4)))
          (local.set $pb (i32.add (local.get $pb) (local.get $row)))
          (br_if $inner (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (local.get $n))))
        (local.set $total (f32x4.add (local.get $total) (local.get $sum)))
        (br_if $columns (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 4))) (local.get $n))))
      (br_if $rows (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (f64.add
      (f64.add (f64.promote_f32 (f32x4.extract_lane 0 (local.get $total)))
        (f64.promote_f32 (f32x4.extract_lane 1 (local.get $total))))
      (f64.add (f64.promote_f32 (f32x4.extract_lane 2 (local.get $total)))
        (f64.promote_f32 (f32x4.extract_lane 3 (local.get $total)))))))
