// SPDX-License-Identifier: Apache-2.0
// With lr the optimizer's rate:
//   constant  lr
//   step      lr · factor^⌊epoch / every⌋, epochs counted from 0
//   cosine    for the first W steps lr · (step + 1) / W; from there (Loshchilov and Hutter 2017, without restarts)
//             lr · (floor + (1 − floor) · (1 + cos(π · (step − W) / (all steps − W))) / 2)
#include "train/schedule.h"

#include <math.h>
#include <stddef.h>

#define MEMBER(name) .offset = offsetof(fv__schedule_settings, name)

static const fv__option constant_table[] = {{0}};

static const fv__option step_table[] = {{.name = "every",
                                         .kind = FV__INT,
                                         MEMBER(every),
                                         .minimum = 1,
                                         .maximum = 1000000,
                                         .required = true,
                                         .primary = true,
                                         .sentence = "Epochs from one reduction to the next."},
                                        {.name = "factor",
                                         .kind = FV__FLOAT,
                                         MEMBER(factor),
                                         .above_minimum = true,
                                         .minimum = 0,
                                         .maximum = 1,
                                         .default_text = "0.1",
                                         .sentence = "What the rate is multiplied by."},
                                        {0}};

static const fv__option cosine_table[] = {
    {.name = "warmup_epochs",
     .kind = FV__FLOAT,
     MEMBER(warmup_epochs),
     .minimum = 0,
     .maximum = 1000000,
     .default_text = "0",
     .sentence = "Epochs (0.5 is half a one) over which the rate first rises in a straight line."},
    {.name = "warmup_steps",
     .kind = FV__INT,
     MEMBER(warmup_steps),
     .minimum = 0,
     .maximum = 1000000000,
     .default_text = "0",
     .sentence = "The same in steps, where warmup_epochs is 0."},
    {.name = "floor",
     .kind = FV__FLOAT,
     MEMBER(floor),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0",
     .sentence = "Share of the rate that is left at the end."},
    {0}};

const fv__variant fv__schedule_variants[] = {
    [FV__SCHEDULE_CONSTANT] = {"constant", "The optimizer's rate all the time.", constant_table},
    [FV__SCHEDULE_STEP] = {"step", "The rate is multiplied by a factor every so many epochs.", step_table},
    [FV__SCHEDULE_COSINE] = {"cosine", "The rate warms up and then falls along half a cosine until the last epoch.",
                             cosine_table},
    {0}};

static double cosine(const fv__schedule_settings *settings, double step, double epoch_steps, double all) {
    double warmup = settings->warmup_epochs > 0 ? settings->warmup_epochs * epoch_steps : settings->warmup_steps;
    if (step < warmup) {
        return fmin(1, (step + 1) / warmup);
    }
    double part = all > warmup ? fmin(1, (step - warmup) / (all - warmup)) : 1;
    return settings->floor + (1 - settings->floor) * 0.5 * (1 + cos(M_PI * part));
}

double fv__schedule_rate(const fv__schedule_settings *settings, double rate, uint64_t step, uint64_t epoch_steps,
                         uint64_t epochs) {
    switch ((fv__schedule_kind)settings->kind) {
    case FV__SCHEDULE_STEP:
        return rate * pow(settings->factor, floor((double)step / (double)epoch_steps / settings->every));
    case FV__SCHEDULE_COSINE:
        return rate * cosine(settings, (double)step, (double)epoch_steps, (double)(epochs * epoch_steps));
    case FV__SCHEDULE_CONSTANT:
        break;
    }
    return rate;
}
