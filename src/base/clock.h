// SPDX-License-Identifier: Apache-2.0
// A clock that never goes back.
#ifndef FOVEA_BASE_CLOCK_H
#define FOVEA_BASE_CLOCK_H

// Seconds since some moment in the past.
double fv__seconds(void);

#endif
