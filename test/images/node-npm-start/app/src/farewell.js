export const farewell = () => "the mill stands still";
