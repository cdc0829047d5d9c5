// SPDX-License-Identifier: Apache-2.0
#include "ops/windows.h"

fv__windows fv__windows_over(const fv__shape *image, const int size[2], const int stride[2], fv__padding padding) {
    int count[2], before[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        const int pixels = image->size[i];
        if (padding == FV__PADDING_VALID) {
            count[i] = pixels < size[i] ? 0 : (pixels - size[i]) / stride[i] + 1;
        } else {
            count[i] = (pixels - 1) / stride[i] + 1;
            const int missing = (count[i] - 1) * stride[i] + size[i] - pixels;
            before[i] = missing > 0 ? missing / 2 : 0;
        }
    }
    return (fv__windows){.height = image->size[0],
                         .width = image->size[1],
                         .channels = image->size[2],
                         .rows = count[0],
                         .columns = count[1],
                         .size = {size[0], size[1]},
                         .stride = {stride[0], stride[1]},
                         .before = {before[0], before[1]}};
}
