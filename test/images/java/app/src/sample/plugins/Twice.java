package sample.plugins;

import java.util.function.Function;

public final class Twice implements Function<String, String> {
    @Override
    public String apply(String word) {
        return word.repeat(2);
    }
}
