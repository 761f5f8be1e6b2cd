"""Hong Kong's geography: regions, the 18 districts, the food authority's 19, neighbourhoods and streets.

What belongs here: names in both languages, and a centre in WGS84 for each neighbourhood. Centres are approximate (to
some 200 m) and a neighbourhood's box is a square around its centre. What doesn't: buildings and shops.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

BOX_HALF_DEGREES = 0.004
"""Half the side of a neighbourhood's box: about 440 m."""

REGIONS = {"HK": ("Hong Kong", "香港"), "KLN": ("Kowloon", "九龍"), "NT": ("New Territories", "新界")}

FEHD_DISTRICTS = {
    "11": ("Eastern", "東區"),
    "12": ("Wan Chai", "灣仔"),
    "15": ("Southern", "南區"),
    "17": ("Islands", "離島"),
    "18": ("Central/Western", "中西區"),
    "51": ("Kwun Tong", "觀塘"),
    "52": ("Kowloon City", "九龍城"),
    "53": ("Wong Tai Sin", "黃大仙"),
    "61": ("Yau Tsim", "油尖"),
    "62": ("Mong Kok", "旺角"),
    "63": ("Sham Shui Po", "深水埗"),
    "91": ("Kwai Tsing", "葵青"),
    "92": ("Tsuen Wan", "荃灣"),
    "93": ("Tuen Mun", "屯門"),
    "94": ("Yuen Long", "元朗"),
    "95": ("Tai Po", "大埔"),
    "96": ("North", "北區"),
    "97": ("Sha Tin", "沙田"),
    "98": ("Sai Kung", "西貢"),
}

# a line that begins with two spaces continues the one before
# name | name | region | district | fehd | latitude | longitude | weight | streets
_AREAS = """
Central|中環|HK|Central and Western|18|22.2819|114.1581|8|Queen's Road Central:皇后大道中,
  Wellington Street:威靈頓街,Stanley Street:士丹利街,Wyndham Street:雲咸街,D'Aguilar Street:德己立街
Admiralty|金鐘|HK|Central and Western|18|22.2790|114.1650|2|Queensway:金鐘道,Harcourt Road:夏慤道,Drake Street:德立街
Sheung Wan|上環|HK|Central and Western|18|22.2866|114.1503|4|Des Voeux Road Central:德輔道中,Bonham Strand:文咸東街,
  Hollywood Road:荷李活道,Jervois Street:蘇杭街
Mid-Levels|半山|HK|Central and Western|18|22.2815|114.1500|2|Caine Road:堅道,Robinson Road:羅便臣道,
  Staunton Street:士丹頓街
Sai Ying Pun|西營盤|HK|Central and Western|18|22.2860|114.1420|3|High Street:高街,Second Street:第二街,
  Queen's Road West:皇后大道西
Kennedy Town|堅尼地城|HK|Central and Western|18|22.2815|114.1286|2|Belcher's Street:卑路乍街,Catchick Street:吉席街,
  Davis Street:爹核士街
Wan Chai|灣仔|HK|Wan Chai|12|22.2770|114.1730|6|Johnston Road:莊士敦道,Lockhart Road:駱克道,Jaffe Road:謝斐道,
  Hennessy Road:軒尼詩道,Queen's Road East:皇后大道東
Causeway Bay|銅鑼灣|HK|Wan Chai|12|22.2800|114.1840|7|Yee Wo Street:怡和街,Jardine's Bazaar:渣甸街,
  Percival Street:波斯富街,Leighton Road:禮頓道,Paterson Street:百德新街
Happy Valley|跑馬地|HK|Wan Chai|12|22.2690|114.1830|1|Sing Woo Road:成和道,Yuk Sau Street:毓秀街
Tin Hau|天后|HK|Wan Chai|12|22.2830|114.1920|2|Electric Road:電氣道,Tsing Fung Street:清風街
North Point|北角|HK|Eastern|11|22.2910|114.2000|4|King's Road:英皇道,Java Road:渣華道,Fort Street:堡壘街,
  Marble Road:馬寶道
Quarry Bay|鰂魚涌|HK|Eastern|11|22.2880|114.2120|3|King's Road:英皇道,Hoi Kwong Street:海光街,Pan Hoi Street:濱海街
Tai Koo|太古|HK|Eastern|11|22.2860|114.2180|2|Taikoo Shing Road:太古城道,Tai Wing Avenue:太榮路
Shau Kei Wan|筲箕灣|HK|Eastern|11|22.2790|114.2290|2|Shau Kei Wan Main Street East:筲箕灣東大街,
  Shau Kei Wan Road:筲箕灣道,Mong Lung Street:望隆街
Chai Wan|柴灣|HK|Eastern|11|22.2650|114.2370|2|Wan Tsui Road:環翠道,Cheung Lee Street:祥利街
Aberdeen|香港仔|HK|Southern|15|22.2490|114.1530|2|Aberdeen Main Road:香港仔大道,Chengtu Road:成都道,
  Wu Nam Street:湖南街
Ap Lei Chau|鴨脷洲|HK|Southern|15|22.2430|114.1560|1|Ap Lei Chau Main Street:鴨脷洲大街,Lee Wing Street:利榮街
Stanley|赤柱|HK|Southern|15|22.2190|114.2120|1|Stanley Main Street:赤柱大街,Stanley Market Road:赤柱市場道
Wong Chuk Hang|黃竹坑|HK|Southern|15|22.2480|114.1680|1|Wong Chuk Hang Road:黃竹坑道,Heung Yip Road:香葉道
Tsim Sha Tsui|尖沙咀|KLN|Yau Tsim Mong|61|22.2970|114.1720|9|Nathan Road:彌敦道,Kimberley Road:金巴利道,
  Prat Avenue:寶勒巷,Granville Road:加連威老道,Hart Avenue:赫德道
Jordan|佐敦|KLN|Yau Tsim Mong|61|22.3050|114.1710|4|Jordan Road:佐敦道,Parkes Street:白加士街,Woosung Street:吳松街
Yau Ma Tei|油麻地|KLN|Yau Tsim Mong|61|22.3130|114.1700|3|Shanghai Street:上海街,Temple Street:廟街,
  Reclamation Street:新填地街
Mong Kok|旺角|KLN|Yau Tsim Mong|62|22.3190|114.1690|8|Sai Yeung Choi Street South:西洋菜南街,Fa Yuen Street:花園街,
  Argyle Street:亞皆老街,Dundas Street:登打士街,Portland Street:砵蘭街
Tai Kok Tsui|大角咀|KLN|Yau Tsim Mong|62|22.3210|114.1610|2|Tai Kok Tsui Road:大角咀道,Li Tak Street:利得街
Prince Edward|太子|KLN|Yau Tsim Mong|62|22.3250|114.1685|3|Prince Edward Road West:太子道西,
  Playing Field Road:運動場道
Sham Shui Po|深水埗|KLN|Sham Shui Po|63|22.3300|114.1620|4|Fuk Wing Street:福榮街,Ki Lung Street:基隆街,
  Pei Ho Street:北河街
Cheung Sha Wan|長沙灣|KLN|Sham Shui Po|63|22.3360|114.1560|3|Cheung Sha Wan Road:長沙灣道,Castle Peak Road:青山道
Lai Chi Kok|荔枝角|KLN|Sham Shui Po|63|22.3370|114.1480|2|Lai Chi Kok Road:荔枝角道,Cheung Yee Street:長義街
Kowloon City|九龍城|KLN|Kowloon City|52|22.3300|114.1900|3|Nga Tsin Wai Road:衙前圍道,Fuk Lo Tsun Road:福佬村道,
  Nam Kok Road:南角道
Hung Hom|紅磡|KLN|Kowloon City|52|22.3060|114.1860|4|Wuhu Street:蕪湖街,Man Yue Street:民裕街,Ma Tau Wai Road:馬頭圍道
To Kwa Wan|土瓜灣|KLN|Kowloon City|52|22.3170|114.1880|2|To Kwa Wan Road:土瓜灣道,Pak Tai Street:北帝街
Kowloon Tong|九龍塘|KLN|Kowloon City|52|22.3370|114.1760|1|Tat Chee Avenue:達之路,Waterloo Road:窩打老道
Wong Tai Sin|黃大仙|KLN|Wong Tai Sin|53|22.3420|114.1940|2|Lung Cheung Road:龍翔道,Ching Tak Street:正德街
San Po Kong|新蒲崗|KLN|Wong Tai Sin|53|22.3360|114.1970|2|Tai Yau Street:大有街,Shung Ling Street:崇齡街
Diamond Hill|鑽石山|KLN|Wong Tai Sin|53|22.3410|114.2020|1|Fung Tak Road:鳳德道,Lung Poon Street:龍蟠街
Kwun Tong|觀塘|KLN|Kwun Tong|51|22.3120|114.2260|5|Kwun Tong Road:觀塘道,Hung To Road:鴻圖道,Mut Wah Street:物華街,
  Yue Man Square:裕民坊
Kowloon Bay|九龍灣|KLN|Kwun Tong|51|22.3230|114.2140|3|Wai Yip Street:偉業街,Wang Chiu Road:宏照道
Ngau Tau Kok|牛頭角|KLN|Kwun Tong|51|22.3160|114.2190|2|Ngau Tau Kok Road:牛頭角道,Jordan Valley North Road:佐敦谷北道
Lam Tin|藍田|KLN|Kwun Tong|51|22.3070|114.2360|1|Kai Tin Road:啟田道,Tak Tin Street:德田街
Kwai Chung|葵涌|NT|Kwai Tsing|91|22.3640|114.1310|3|Kwai Chung Road:葵涌道,Tai Lin Pai Road:大連排道,
  Shek Yam Road:石蔭路
Tsing Yi|青衣|NT|Kwai Tsing|91|22.3580|114.1070|2|Tsing King Road:青敬路,Tsing Luk Street:青綠街
Tsuen Wan|荃灣|NT|Tsuen Wan|92|22.3710|114.1140|5|Sha Tsui Road:沙咀道,Chung On Street:眾安街,Yeung Uk Road:楊屋道,
  Hoi Pa Street:海壩街
Tuen Mun|屯門|NT|Tuen Mun|93|22.3930|113.9760|4|Tuen Mun Heung Sze Wui Road:屯門鄉事會路,Tuen Shun Street:屯順街,
  San Hui Street:新墟街
Gold Coast|黃金海岸|NT|Tuen Mun|93|22.3700|113.9890|1|Castle Peak Road Castle Peak Bay:青山公路青山灣段,
  Mouse Island Street:老鼠洲街
Yuen Long|元朗|NT|Yuen Long|94|22.4450|114.0250|5|Castle Peak Road Yuen Long:元朗青山公路,Tai Tong Road:大棠路,
  Fau Tsoi Street:阜財街,Kau Yuk Road:教育路
Tin Shui Wai|天水圍|NT|Yuen Long|94|22.4590|114.0030|2|Tin Wu Road:天湖路,Tin Yiu Street:天耀街
Tai Po|大埔|NT|Tai Po|95|22.4500|114.1680|3|Kwong Fuk Road:廣福道,On Chee Road:安慈路,Po Heung Street:寶鄉街
Sheung Shui|上水|NT|North|96|22.5020|114.1270|3|San Fung Avenue:新豐路,Lung Sum Avenue:龍琛路,San Cheung Street:新祥街
Fanling|粉嶺|NT|North|96|22.4920|114.1390|2|Luen Wo Road:聯和道,Wo Mun Street:和滿街
Sha Tin|沙田|NT|Sha Tin|97|22.3820|114.1890|4|Sha Tin Centre Street:沙田正街,Pak Hok Ting Street:白鶴汀街,
  Tai Chung Kiu Road:大涌橋路
Tai Wai|大圍|NT|Sha Tin|97|22.3730|114.1790|3|Tai Wai Road:大圍道,Chik Fai Street:積輝街
Fo Tan|火炭|NT|Sha Tin|97|22.3960|114.1980|1|Shan Mei Street:山尾街,Wong Chuk Yeung Street:黃竹洋街
Ma On Shan|馬鞍山|NT|Sha Tin|97|22.4250|114.2320|2|Sai Sha Road:西沙路,On Luk Street:鞍祿街
Sai Kung|西貢|NT|Sai Kung|98|22.3820|114.2710|2|Fuk Man Road:福民路,Yi Chun Street:宜春街,See Cheung Street:市場街
Tseung Kwan O|將軍澳|NT|Sai Kung|98|22.3070|114.2600|4|Tong Ming Street:唐明街,Tong Tak Street:唐德街,
  Pui Shing Lane:培成里
Hang Hau|坑口|NT|Sai Kung|98|22.3160|114.2680|2|Sheung Ning Road:常寧路,Pui Shing Road:培成路
Tung Chung|東涌|NT|Islands|17|22.2890|113.9430|2|Tat Tung Road:達東路,Mei Tung Street:美東街
Cheung Chau|長洲|NT|Islands|17|22.2090|114.0290|1|San Hing Praya Street:新興海傍街,Tung Wan Road:東灣路
Mui Wo|梅窩|NT|Islands|17|22.2650|113.9970|1|Mui Wo Ferry Pier Road:梅窩碼頭路,Ngan Wan Road:銀灣路
Lamma Island|南丫島|NT|Islands|17|22.2260|114.1120|1|Yung Shue Wan Main Street:榕樹灣大街,
  Sok Kwu Wan First Street:索罟灣第一街
"""


@dataclass(frozen=True, slots=True)
class Street:
    """A street, in both languages."""

    english: str
    chinese: str


@dataclass(frozen=True, slots=True)
class Area:
    """A neighbourhood: `number` is its index, `fehd` the food authority's district, `weight` how busy it is."""

    number: int
    english: str
    chinese: str
    region: str
    district: str
    fehd: str
    latitude: float
    longitude: float
    weight: int
    streets: tuple[Street, ...]


@cache
def areas() -> tuple[Area, ...]:
    """All neighbourhoods, in a fixed order."""
    all_areas = []
    for number, line in enumerate(_AREAS.replace("\n  ", "").strip().splitlines()):
        english, chinese, region, district, fehd, latitude, longitude, weight, streets = line.split("|")
        named = tuple(Street(*street.split(":")) for street in streets.split(","))
        area = Area(
            number, english, chinese, region, district, fehd, float(latitude), float(longitude), int(weight), named
        )
        all_areas.append(area)
    return tuple(all_areas)


@cache
def area_weights() -> tuple[int, ...]:
    """Running total of the neighbourhoods' weights, for a weighted choice."""
    total = 0
    running = []
    for area in areas():
        total += area.weight
        running.append(total)
    return tuple(running)
