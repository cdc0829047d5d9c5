// Data sets as the command line names them.
#ifndef FOVEA_CLI_SUPPORT_DATASETS_H
#define FOVEA_CLI_SUPPORT_DATASETS_H

#include <fovea.h>

// Whether the argument is a folder (or archive) of images, not a set known by name.
bool cli_is_photos(const char *argument);

// Names the files that are left out of a data set on standard error, the first few of many.
void cli_say_left_out(const fv_dataset *data);

#endif
