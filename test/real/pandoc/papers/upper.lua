function Str(text) return pandoc.Str(text.text:upper()) end
