// SPDX-License-Identifier: Apache-2.0
#include "app/live_curves.h"

#include "base/clock.h"
#include "base/memory.h"

enum { EVERY = 10 }; // seconds between two drawings, so that drawing takes no noticeable time

static fv_status draw_both(const char *folder, fv_error *error) {
    static const char *const endings[] = {"png", "svg"};
    fv_run *run = NULL;
    char *path = NULL;
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(fv_run_open(folder, &run, error));
    for (int i = 0; i < 2; i++) {
        fv__free(path);
        path = fv__format("%s/curves.%s", folder, endings[i]);
        FV__TRY_OR_DONE(path ? FV_OK : fv__fail_memory(error, folder));
        FV__TRY_OR_DONE(fv_run_draw_curves((const fv_run *const *)&run, 1, path, error));
    }
done:
    fv__free(path);
    fv_run_free(run);
    return status;
}

static void refresh(fv__live_curves *curves, fv_event_callback *on_event, void *context) {
    fv_error error;
    if (draw_both(curves->folder, &error) != FV_OK) {
        curves->failed = true;
        if (error.status != FV_UNSUPPORTED) {
            char *message = fv__format("no curves are drawn: %s", error.message);
            fv__emit(on_event, context,
                     &(fv_event){.kind = FV_EVENT_REMARK, .message = message ? message : error.message});
            fv__free(message);
        }
    }
    curves->drawn = fv__seconds();
    curves->stale = false;
}

void fv__live_curves_note(fv__live_curves *curves, const fv_event *event, fv_event_callback *on_event, void *context) {
    const bool epoch = event->kind == FV_EVENT_EPOCH;
    curves->ended |= epoch;
    curves->stale |= epoch && curves->folder && !curves->failed;
    if (curves->stale && fv__seconds() - curves->drawn > EVERY) {
        refresh(curves, on_event, context);
    }
}

void fv__live_curves_end(fv__live_curves *curves, fv_event_callback *on_event, void *context) {
    if (curves->ended && curves->folder && !curves->failed) {
        refresh(curves, on_event, context);
    }
}
