package dev.flywheel.pipeline.feature;

/**
 * Where an image stands among the numeric features of a row: {@code channels * height * width} of them, channel by
 * channel, each row by row from the top. Immutable.
 *
 * @param channels the number of channels: 1 for gray, 3 for colour
 * @param height the number of rows of pixels
 * @param width the number of pixels in a row
 * @param offset the position of the first pixel among the numeric features
 */
public record ImageShape(int channels, int height, int width, int offset) {

    /** {@return the number of pixels, each channel's counted} */
    public int size() {
        return channels * height * width;
    }
}
