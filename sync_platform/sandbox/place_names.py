"""The names of places: cuisines, bilingual name patterns, and invented chains.

What belongs here: making a name, in both languages, from a random stream. What doesn't: how a platform misspells it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import NamedTuple


class BilingualName(NamedTuple):
    """A name in both languages, either of which may be empty."""

    english: str
    chinese: str


@dataclass(frozen=True, slots=True)
class CuisineProfile:
    """A cuisine: names, how common it is (`weight`), usual price range (1 to 6), and how its places are named."""

    number: int
    english: str
    chinese: str
    weight: int
    price: int
    style: str
    suffixes: tuple[BilingualName, ...]
    dishes: tuple[BilingualName, ...]


def _pairs(text: str) -> tuple[BilingualName, ...]:
    return tuple(BilingualName(*pair.split(":")) for pair in text.split(","))


# a line that begins with two spaces continues the one before
# name | name | weight | price | style | suffixes | dishes
_CUISINES = """
Cha Chaan Teng|港式茶餐廳|14|1|lucky|Cha Chaan Teng:茶餐廳,Cafe:冰室,Restaurant:餐廳|Milk Tea:奶茶,
  Baked Pork Chop Rice:焗豬扒飯,Scrambled Egg Toast:滑蛋多士,Satay Beef Noodles:沙嗲牛肉麵,Pineapple Bun:菠蘿油
Cantonese|粵菜|13|3|lucky|Restaurant:酒家,Seafood Restaurant:海鮮酒家,Kitchen:小廚,Palace:皇宮|Roast Goose:燒鵝,
  Steamed Fish:清蒸魚,Sweet and Sour Pork:咕嚕肉,Shrimp Dumpling:蝦餃,Fried Rice:炒飯
Noodles & Congee|粥麵|9|1|kee|Noodle Shop:粉麵,Congee & Noodle:粥麵專家,Fish Ball Noodles:魚蛋粉|
  Wonton Noodles:雲吞麵,Plain Congee:白粥,Beef Brisket Noodles:牛腩麵,Rice Roll:腸粉,Fish Ball Noodles:魚蛋河
Siu Mei|燒味|5|1|kee|Roast Meat:燒臘飯店,BBQ Shop:燒味|Barbecued Pork Rice:叉燒飯,Roast Goose Rice:燒鵝飯,
  Soy Sauce Chicken:豉油雞,Roast Pork:燒肉,Two Meats Rice:雙拼飯
Japanese|日本菜|11|3|foreign|Sushi:壽司,Izakaya:居酒屋,Ramen:拉麵,Japanese Restaurant:日本料理|
  Salmon Sashimi:三文魚刺身,Tonkotsu Ramen:豚骨拉麵,Eel Rice:鰻魚飯,Tempura:天婦羅,Beef Bowl:牛丼
Western|西餐|7|4|foreign|Bistro:小館,Grill:扒房,Kitchen:廚房|Sirloin Steak:西冷牛扒,Caesar Salad:凱撒沙律,
  Club Sandwich:公司三文治,Fish and Chips:炸魚薯條,Mushroom Soup:蘑菇湯
Italian|意大利菜|4|4|foreign|Trattoria:意大利餐廳,Pizzeria:薄餅店,Ristorante:意式餐廳|Margherita Pizza:瑪格麗特薄餅,
  Carbonara:卡邦尼意粉,Tiramisu:提拉米蘇,Lasagne:千層麵,Risotto:意大利飯
Thai|泰國菜|4|2|foreign|Thai Restaurant:泰國菜館,Thai Kitchen:泰廚|Pad Thai:泰式炒金邊粉,Tom Yum Soup:冬陰功湯,
  Green Curry:青咖喱,Mango Sticky Rice:芒果糯米飯,Hainan Chicken:海南雞
Vietnamese|越南菜|3|2|foreign|Vietnamese Restaurant:越南餐廳,Pho:越南河粉|Beef Pho:生牛河,Spring Roll:春卷,
  Banh Mi:越式法包,Vermicelli:檬粉,Drip Coffee:滴漏咖啡
Korean|韓國菜|4|3|foreign|Korean Restaurant:韓國餐廳,Korean BBQ:韓國燒烤|Bibimbap:石鍋飯,Fried Chicken:韓式炸雞,
  Kimchi Stew:泡菜鍋,Rice Cake:炒年糕,Pork Belly:五花肉
Sichuan|川菜|3|3|lucky|Sichuan Restaurant:川菜館,Spicy Kitchen:麻辣坊|Mapo Tofu:麻婆豆腐,Boiled Fish:水煮魚,
  Spicy Chicken:辣子雞,Dan Dan Noodles:擔擔麵,Twice-cooked Pork:回鍋肉
Taiwanese|台灣菜|4|1|foreign|Taiwanese Cafe:台式茶館,Tea:手作茶|Bubble Tea:珍珠奶茶,Braised Pork Rice:滷肉飯,
  Salt Crispy Chicken:鹽酥雞,Oyster Vermicelli:蚵仔麵線,Taro Balls:芋圓
Indian|印度菜|2|3|foreign|Indian Restaurant:印度餐廳,Curry House:咖喱屋|Butter Chicken:牛油雞,Garlic Naan:蒜蓉烤餅,
  Lamb Curry:羊肉咖喱,Samosa:咖喱角,Biryani:印度香飯
Chiu Chow|潮州菜|2|2|kee|Chiu Chow Restaurant:潮州菜館,Cold Dishes:打冷|Marinated Goose:滷水鵝,Oyster Omelette:蠔餅,
  Cold Crab:凍蟹,Fish Congee:方魚肉碎粥,Sugar Noodles:糖醋麵
Coffee Shop|咖啡店|8|2|foreign|Coffee:咖啡,Cafe:咖啡館,Roasters:咖啡烘焙|Flat White:澳白咖啡,Latte:拿鐵,
  Croissant:牛角包,Pour Over:手沖咖啡,Cheesecake:芝士蛋糕
Bar|酒吧|3|4|foreign|Bar:酒吧,Taproom:精釀酒吧|Craft Beer:精釀啤酒,Old Fashioned:古典雞尾酒,Chicken Wings:雞翼,
  Nachos:玉米片,Truffle Fries:松露薯條
Vegetarian|素食|2|2|lucky|Vegetarian:素食,Veggie Kitchen:素菜館|Lo Hon Jai:羅漢齋,Mushroom Rice:菇菌飯,
  Bean Curd Roll:腐皮卷,Veggie Dumplings:素餃,Pumpkin Soup:南瓜湯
Hot Pot|火鍋|3|4|lucky|Hot Pot:火鍋,Hotpot Restaurant:火鍋飯店|Sliced Beef:肥牛,Cuttlefish Balls:墨魚丸,
  Satay Broth:沙嗲湯底,Fish Skin:炸魚皮,Dumplings:水餃
"""

LUCKY = _pairs(
    "Kam:金,Hing:興,Fat:發,Wing:永,Lok:樂,Fung:豐,Wah:華,Fu:富,Sun:新,Tai:大,Hoi:海,Man:萬,Shing:勝,Lung:龍,Wo:和,On:安,"
    "Yuen:源,Mei:美,Cheong:昌,Lee:利,Po:寶,Tak:德,Ho:好,Wai:匯,Kwong:光,Ming:明,Tin:天,Yu:裕,Kai:佳,Heung:香,Wui:滙,Chun:珍"
)
SURNAMES = _pairs(
    "Chan:陳,Wong:黃,Cheung:張,Lau:劉,Ho:何,Lam:林,Leung:梁,Ng:吳,Yip:葉,Tang:鄧,Mak:麥,Kwan:關,Fong:方,Sham:沈,Tsang:曾,"
    "Kwok:郭,Chow:周,Yeung:楊,Tam:譚,Lo:羅,Au:區,Poon:潘,Law:羅,Hui:許"
)
_COLOURS = _pairs(
    "Blue:藍,Copper:銅,Little:小,Golden:金色,Silent:靜,Old:老,Wild:野,Paper:紙,Silver:銀,Red:紅,Green:青,Salted:鹽,Lazy:懶,"
    "Velvet:絨,Morning:晨,Midnight:午夜,Seven:七,Stone:石,Lucky:幸運,Hidden:隱"
)
_THINGS = _pairs(
    "Lantern:燈籠,Fig:無花果,Harbour:港灣,Fox:狐,Crane:鶴,Table:餐桌,Garden:花園,Spoon:匙,Tram:電車,Ferry:渡輪,Bamboo:竹,Lotus:蓮,"
    "Kite:紙鳶,Pepper:胡椒,Lemon:檸檬,Whale:鯨,Lane:巷,Barrel:木桶,Willow:柳,Moon:月,Pine:松,Sparrow:雀,Anchor:錨,Brick:磚"
)
_PLAIN_SHARE = 0.22  # of foreign-style places have no Chinese name at all

CUISINES: tuple[CuisineProfile, ...] = tuple(
    CuisineProfile(number, english, chinese, int(weight), int(price), style, _pairs(suffixes), _pairs(dishes))
    for number, (english, chinese, weight, price, style, suffixes, dishes) in enumerate(
        line.split("|") for line in _CUISINES.replace("\n  ", "").strip().splitlines()
    )
)
CUISINE_WEIGHTS = list(accumulate(cuisine.weight for cuisine in CUISINES))


def invent_name(stream: Random, cuisine: CuisineProfile) -> BilingualName:
    """A name in the cuisine's style."""
    suffix = stream.choice(cuisine.suffixes)
    if cuisine.style == "lucky":
        first, second = stream.sample(LUCKY, 2)
        stem = BilingualName(f"{first.english} {second.english}", first.chinese + second.chinese)
    elif cuisine.style == "kee":
        surname = stream.choice(SURNAMES)
        stem = BilingualName(f"{surname.english} Kee", f"{surname.chinese}記")
        if stream.random() < 0.4:
            given = stream.choice(LUCKY)
            stem = BilingualName(f"{surname.english} {given.english} Kee", f"{surname.chinese}{given.chinese}記")
    else:
        colour, thing = stream.choice(_COLOURS), stream.choice(_THINGS)
        article = "The " if stream.random() < 0.2 else ""
        stem = BilingualName(f"{article}{colour.english} {thing.english}", colour.chinese + thing.chinese)
        if stream.random() < _PLAIN_SHARE:
            return BilingualName(f"{stem.english} {suffix.english}" if stream.random() < 0.7 else stem.english, "")
    return BilingualName(f"{stem.english} {suffix.english}", stem.chinese + suffix.chinese)


@dataclass(frozen=True, slots=True)
class RestaurantChain:
    """An invented chain; `hotline` is the one number of all its branches, or empty."""

    number: int
    name: BilingualName
    cuisine: CuisineProfile
    price: int
    hotline: str
    company: str


def invent_chains(stream: Random, count: int) -> list[RestaurantChain]:
    """`count` chains with distinct names."""
    chains: dict[str, RestaurantChain] = {}
    while len(chains) < count:
        cuisine = stream.choices(CUISINES, cum_weights=CUISINE_WEIGHTS)[0]
        name = invent_name(stream, cuisine)
        if not name.chinese or name.english in chains:
            continue
        hotline = f"2{stream.randrange(10**7):07d}" if stream.random() < 0.4 else ""
        company = f"{stream.choice(LUCKY).english} {stream.choice(LUCKY).english} Catering Group Limited"
        chains[name.english] = RestaurantChain(len(chains), name, cuisine, cuisine.price, hotline, company)
    return list(chains.values())
