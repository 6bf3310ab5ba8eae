/**
 * What a model goes by and what it withstands: how much each raw column adds to its quality, what each added to one
 * prediction, and what is left of the quality when the rows are disturbed. All of it asks the model itself, the very
 * file that serves, for what it makes of rows that are put together anew.
 */
@NullMarked
package dev.flywheel.pipeline.explain;

import org.jspecify.annotations.NullMarked;
