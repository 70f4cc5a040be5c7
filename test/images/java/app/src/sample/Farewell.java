package sample;

final class Farewell {
    static String words() {
        return "the mill stands still";
    }
}
