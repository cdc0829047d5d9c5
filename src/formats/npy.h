// NumPy's array files (NEP 1, "A simple file format for NumPy arrays", version 1.0), float32 in C order.
#ifndef FOVEA_FORMATS_NPY_H
#define FOVEA_FORMATS_NPY_H

#include <stddef.h>
#include <stdint.h>

enum { FV__NPY_HEADER = 128 }; // bytes before the values: a multiple of 64, as the format asks

// The header of an array of up to five axes; the values follow it in the file.
void fv__npy_header(uint8_t header[FV__NPY_HEADER], const size_t *shape, size_t rank);

#endif
