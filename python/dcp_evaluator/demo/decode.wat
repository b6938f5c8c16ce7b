;; Unpacks one band of the picture. Each pixel is stored as its difference from its left neighbour in units of 1/4095,
;; zigzag-coded (0, -1, 1, -2, ... become 0, 1, 2, 3, ...), as a LEB128 variable-length integer.
(module
  (memory (export "memory") 1)

  ;; Reads rows * width codes from $source, writes as many f32 to $target; returns the address after the last byte read.
  ;; Input that does not end in time runs into the end of the memory: a trap.
  (func (export "decode")
    (param $source i32) (param $target i32) (param $rows i32) (param $width i32) (result i32)
    (local $columns i32) (local $level i32) (local $code i32) (local $shift i32) (local $byte i32)
    (loop $row
      (local.set $level (i32.const 0))
      (local.set $columns (local.get $width))
      (loop $pixel
        (local.set $code (i32.const 0))
        (local.set $shift (i32.const 0))
        (loop $more
          (local.set $byte (i32.load8_u (local.get $source)))
          (local.set $source (i32.add (local.get $source) (i32.const 1)))
          (local.set $code
            (i32.or (local.get $code)
              (i32.shl (i32.and (local.get $byte) (i32.const 0x7f)) (local.get $shift))))
          (local.set $shift (i32.add (local.get $shift) (i32.const 7)))
          (br_if $more (i32.and (local.get $byte) (i32.const 0x80))))
        (local.set $level
          (i32.add (local.get $level)
            (i32.xor
              (i32.shr_u (local.get $code) (i32.const 1))
              (i32.sub (i32.const 0) (i32.and (local.get $code) (i32.const 1))))))
        (f32.store (local.get $target)
          (f32.mul (f32.convert_i32_u (local.get $level)) (f32.const 0x1.001002p-12))) ;; 1/4095 in f32
        (local.set $target (i32.add (local.get $target) (i32.const 4)))
        (local.set $columns (i32.sub (local.get $columns) (i32.const 1)))
        (br_if $pixel (local.get $columns)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $row (local.get $rows)))
    (local.get $source)))
