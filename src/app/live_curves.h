// SPDX-License-Identifier: Apache-2.0
// curves.png and curves.svg of a run in progress, drawn again every few seconds from the epochs written so far.
#ifndef FOVEA_APP_LIVE_CURVES_H
#define FOVEA_APP_LIVE_CURVES_H

#include "base/options.h"

// They are an extra: a failure is reported once, as a remark, and a build without cairo does without them.
typedef struct fv__live_curves {
    const char *folder; // NULL: nothing is drawn
    double drawn;       // when, by fv__seconds
    bool stale;         // an epoch has ended since
    bool ended;         // an epoch has ended at all
    bool failed;
} fv__live_curves;

// Called with every event of training, and at the end. Remarks go to the callback.
void fv__live_curves_note(fv__live_curves *curves, const fv_event *event, fv_event_callback *on_event, void *context);
void fv__live_curves_end(fv__live_curves *curves, fv_event_callback *on_event, void *context);

#endif
